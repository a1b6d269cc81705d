import java.util.HashMap;

final class Main {
    public static void main(String[] args) throws Exception {
        boolean verified = verified(args, System.getenv("WEBHOOK_SECRET"), System.in.readAllBytes());
        System.out.println(verified ? "verified" : "refused");
        System.exit(verified ? 0 : 1);
    }

    private static boolean verified(String[] args, String secret, byte[] body) throws Exception {
        if ("X-Bullseye-Signature".equals(System.getenv("WEBHOOK_HEADER")))
            return VerifyBody.verify(secret, String.join("", args), body);
        String[] names = {"webhook-id", "webhook-timestamp", "webhook-signature"};
        var headers = new HashMap<String, String>();
        for (int index = 0; index < args.length; index++) headers.put(names[index], args[index]);
        return Verify.verify(secret, headers, body);
    }
}
