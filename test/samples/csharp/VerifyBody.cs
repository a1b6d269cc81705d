using System;
using System.Security.Cryptography;
using System.Text;

static class BullseyeBody
{
    /// <summary>Whether Bullseye sent this body.</summary>
    /// <param name="signature">The request's X-Bullseye-Signature; null where there is none.</param>
    /// <param name="body">As it came, before anything parsed it.</param>
    public static bool Verify(string secret, string signature, byte[] body)
    {
        using (var hmac = new HMACSHA256(Encoding.UTF8.GetBytes(secret)))
        {
            var expected = BitConverter.ToString(hmac.ComputeHash(body)).Replace("-", "").ToLowerInvariant();
            return CryptographicOperations.FixedTimeEquals(
                Encoding.UTF8.GetBytes(signature ?? ""), Encoding.UTF8.GetBytes(expected));
        }
    }
}
