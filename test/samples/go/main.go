package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	if !verified(os.Getenv("WEBHOOK_SECRET"), body) {
		fmt.Println("refused")
		os.Exit(1)
	}
	fmt.Println("verified")
}

func verified(secret string, body []byte) bool {
	if os.Getenv("WEBHOOK_HEADER") == "X-Bullseye-Signature" {
		return verifyBody(secret, strings.Join(os.Args[1:], ""), body)
	}
	headers := http.Header{}
	for index, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		if index+1 < len(os.Args) {
			headers.Set(name, os.Args[index+1])
		}
	}
	return verify(secret, headers, body)
}
