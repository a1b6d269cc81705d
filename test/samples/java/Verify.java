import static java.nio.charset.StandardCharsets.UTF_8;

import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Base64;
import java.util.Map;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

final class Verify {
    private static final long TOLERANCE_SECONDS = 300;
    private static final Pattern STANDARD_SECRET = Pattern.compile(
            "whsec_((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?)");

    /**
     * Whether Bullseye sent this, with this body, within the last five minutes.
     *
     * @param headers of the request, names in lower case
     * @param body as it came, before anything parsed it
     */
    static boolean verify(String secret, Map<String, String> headers, byte[] body) throws GeneralSecurityException {
        String id = headers.getOrDefault("webhook-id", "");
        String timestamp = headers.getOrDefault("webhook-timestamp", "");
        if (!timestamp.matches("[0-9]{1,12}")) return false;
        long ageSeconds = Instant.now().getEpochSecond() - Long.parseLong(timestamp);
        if (Math.abs(ageSeconds) > TOLERANCE_SECONDS) return false;

        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(keyOf(secret), "HmacSHA256"));
        mac.update((id + "." + timestamp + ".").getBytes(UTF_8));
        byte[] expected = ("v1," + Base64.getEncoder().encodeToString(mac.doFinal(body))).getBytes(UTF_8);
        // There are several while rotations of the secret overlap.
        for (String signature : headers.getOrDefault("webhook-signature", "").split(" ")) {
            if (MessageDigest.isEqual(signature.getBytes(UTF_8), expected)) return true;
        }
        return false;
    }

    /** What follows {@code whsec_}, base64-decoded; of any other secret the UTF-8 bytes. */
    private static byte[] keyOf(String secret) {
        var match = STANDARD_SECRET.matcher(secret);
        return match.matches() ? Base64.getDecoder().decode(match.group(1)) : secret.getBytes(UTF_8);
    }

    // Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with
    // the UTF-8 bytes of the whole secret.
}
