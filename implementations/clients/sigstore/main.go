// A login by the device flow of github.com/sigstore/sigstore, the one of cosign.
package main

import (
	"fmt"
	"os"

	"github.com/sigstore/sigstore/pkg/oauthflow"
)

func main() {
	issuer := os.Getenv("DEVICE_GRANT_ISSUER")
	getter := oauthflow.NewDeviceFlowTokenGetterForIssuer(issuer)
	id, secret := os.Getenv("DEVICE_GRANT_CLIENT_ID"), os.Getenv("DEVICE_GRANT_CLIENT_SECRET")
	token, err := oauthflow.OIDConnect(issuer, id, secret, "", getter)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	// It keeps the ID token alone, and has no use for the access token.
	fmt.Println("signed in as", token.Subject)
	fmt.Println("device-grant: done")
}
