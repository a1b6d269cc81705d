import java.util.HashMap;

final class Main {
    public static void main(String[] args) throws Exception {
        String[] names = {"webhook-id", "webhook-timestamp", "webhook-signature"};
        var headers = new HashMap<String, String>();
        for (int index = 0; index < args.length; index++) headers.put(names[index], args[index]);
        boolean verified = Verify.verify(System.getenv("WEBHOOK_SECRET"), headers, System.in.readAllBytes());
        System.out.println(verified ? "verified" : "refused");
        System.exit(verified ? 0 : 1);
    }
}
