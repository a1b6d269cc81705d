package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
)

// verifyBody tells whether Bullseye sent this body. The signature is the request's X-Bullseye-Signature;
// the body is the one that came, before anything parsed it.
func verifyBody(secret, signature string, body []byte) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	expected := hex.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(signature), []byte(expected))
}
