package main

import (
	"io"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// The secret and the three headers are arguments, the body comes on standard input. It exits with 0 if the delivery verifies.
func main() {
	headers := http.Header{}
	for index, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		headers.Set(name, os.Args[index+2])
	}
	body, err := io.ReadAll(os.Stdin)
	webhook, failed := standardwebhooks.NewWebhook(os.Args[1])
	if err != nil || failed != nil || webhook.Verify(body, headers) != nil {
		os.Exit(1)
	}
}
