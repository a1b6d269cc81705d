package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	headers := http.Header{}
	for index, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		if index+1 < len(os.Args) {
			headers.Set(name, os.Args[index+1])
		}
	}
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	if !verify(os.Getenv("WEBHOOK_SECRET"), headers, body) {
		fmt.Println("refused")
		os.Exit(1)
	}
	fmt.Println("verified")
}
