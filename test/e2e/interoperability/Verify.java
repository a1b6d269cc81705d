import com.standardwebhooks.Webhook;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/** The secret and the three headers are arguments, the body comes on standard input. It exits with 0 if the delivery verifies. */
public final class Verify {
  public static void main(String[] given) throws Exception {
    var headers =
        Map.of("webhook-id", List.of(given[1]), "webhook-timestamp", List.of(given[2]), "webhook-signature", List.of(given[3]));
    var body = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    new Webhook(given[0]).verify(body, HttpHeaders.of(headers, (name, value) -> true));
  }
}
