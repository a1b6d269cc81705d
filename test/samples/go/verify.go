package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const tolerance = 300 * time.Second

var standardSecret = regexp.MustCompile(`^whsec_((?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}(?:==|[A-Za-z0-9+/]=?|[A-Za-z0-9+/]{2})?)$`)

// verify tells whether Bullseye sent this, with this body, within the last five minutes.
// The body is the one that came, before anything parsed it.
func verify(secret string, headers http.Header, body []byte) bool {
	id, timestamp := headers.Get("webhook-id"), headers.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > tolerance {
		return false
	}
	mac := hmac.New(sha256.New, keyOf(secret))
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	expected := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	// There are several while rotations of the secret overlap.
	for _, signature := range strings.Split(headers.Get("webhook-signature"), " ") {
		if hmac.Equal([]byte(signature), []byte(expected)) {
			return true
		}
	}
	return false
}

// keyOf returns what follows whsec_, base64-decoded; of any other secret the UTF-8 bytes.
func keyOf(secret string) []byte {
	if match := standardSecret.FindStringSubmatch(secret); match != nil {
		if key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(match[1], "=")); err == nil {
			return key
		}
	}
	return []byte(secret)
}

// Simpler, but no help against replays: X-Bullseye-Signature is the lower-case hex HMAC-SHA256 of the body alone, keyed with the
// UTF-8 bytes of the whole secret.
