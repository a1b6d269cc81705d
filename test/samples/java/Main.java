import java.util.HashMap;

final class Main {
    public static void main(String[] args) throws Exception {
        boolean simple = System.getenv("SIMPLE") != null;
        String[] names = simple
                ? new String[] {"x-bullseye-signature"}
                : new String[] {"webhook-id", "webhook-timestamp", "webhook-signature"};
        var headers = new HashMap<String, String>();
        for (int index = 0; index < args.length; index++) headers.put(names[index], args[index]);
        String secret = System.getenv("WEBHOOK_SECRET");
        byte[] body = System.in.readAllBytes();
        boolean verified = simple ? Verify.verifySimple(secret, headers, body) : Verify.verify(secret, headers, body);
        System.out.println(verified ? "verified" : "refused");
        System.exit(verified ? 0 : 1);
    }
}
