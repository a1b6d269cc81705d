using System;
using System.Collections.Generic;
using System.IO;

static class Program
{
    static int Main(string[] args)
    {
        var names = new[] { "webhook-id", "webhook-timestamp", "webhook-signature" };
        var headers = new Dictionary<string, string>();
        for (var index = 0; index < args.Length; index++) headers[names[index]] = args[index];
        var body = new MemoryStream();
        Console.OpenStandardInput().CopyTo(body);
        var verified = BullseyeWebhook.Verify(Environment.GetEnvironmentVariable("WEBHOOK_SECRET"), headers, body.ToArray());
        Console.WriteLine(verified ? "verified" : "refused");
        return verified ? 0 : 1;
    }
}
