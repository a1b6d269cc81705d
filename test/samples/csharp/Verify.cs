using System;
using System.Collections.Generic;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

static class BullseyeWebhook
{
    const long ToleranceSeconds = 300;
    static readonly Regex StandardSecret = new Regex(
        @"^whsec_((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?)\z");

    /// <summary>Whether Bullseye sent this, with this body, within the last five minutes.</summary>
    /// <param name="headers">Of the request, names in lower case.</param>
    /// <param name="body">As it came, before anything parsed it.</param>
    public static bool Verify(string secret, IReadOnlyDictionary<string, string> headers, byte[] body)
    {
        headers.TryGetValue("webhook-id", out var id);
        headers.TryGetValue("webhook-timestamp", out var timestamp);
        headers.TryGetValue("webhook-signature", out var signatures);
        if (!long.TryParse(timestamp, out var seconds)) return false;
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        if (seconds < now - ToleranceSeconds || seconds > now + ToleranceSeconds) return false;

        var signed = Encoding.UTF8.GetBytes($"{id}.{timestamp}.").Concat(body).ToArray();
        using (var hmac = new HMACSHA256(KeyOf(secret)))
        {
            var expected = Encoding.UTF8.GetBytes("v1," + Convert.ToBase64String(hmac.ComputeHash(signed)));
            // There are several while rotations of the secret overlap.
            return (signatures ?? "").Split(' ').Any(signature =>
                CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(signature), expected));
        }
    }

    /// <summary>What follows <c>whsec_</c>, base64-decoded; of any other secret the UTF-8 bytes.</summary>
    static byte[] KeyOf(string secret)
    {
        var match = StandardSecret.Match(secret);
        if (!match.Success) return Encoding.UTF8.GetBytes(secret);
        var base64 = match.Groups[1].Value.TrimEnd('=');
        return Convert.FromBase64String(base64.PadRight((base64.Length + 3) / 4 * 4, '='));
    }

    // Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with
    // the UTF-8 bytes of the whole secret.
}
