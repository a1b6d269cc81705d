import static java.nio.charset.StandardCharsets.UTF_8;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

final class VerifyBody {
    /**
     * Whether Bullseye sent this body.
     *
     * @param signature the request's X-Bullseye-Signature; "" where there is none
     * @param body as it came, before anything parsed it
     */
    static boolean verify(String secret, String signature, byte[] body) throws GeneralSecurityException {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(secret.getBytes(UTF_8), "HmacSHA256"));
        String expected = String.format("%064x", new BigInteger(1, mac.doFinal(body)));
        return MessageDigest.isEqual(signature.getBytes(UTF_8), expected.getBytes(UTF_8));
    }
}
