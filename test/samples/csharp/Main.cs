using System;
using System.Collections.Generic;
using System.IO;

static class Program
{
    static int Main(string[] args)
    {
        var secret = Environment.GetEnvironmentVariable("WEBHOOK_SECRET");
        var body = new MemoryStream();
        Console.OpenStandardInput().CopyTo(body);
        var verified = Verified(args, secret, body.ToArray());
        Console.WriteLine(verified ? "verified" : "refused");
        return verified ? 0 : 1;
    }

    static bool Verified(string[] args, string secret, byte[] body)
    {
        if (Environment.GetEnvironmentVariable("WEBHOOK_HEADER") == "X-Bullseye-Signature")
            return BullseyeBody.Verify(secret, args.Length > 0 ? args[0] : null, body);
        var names = new[] { "webhook-id", "webhook-timestamp", "webhook-signature" };
        var headers = new Dictionary<string, string>();
        for (var index = 0; index < args.Length; index++) headers[names[index]] = args[index];
        return BullseyeWebhook.Verify(secret, headers, body);
    }
}
