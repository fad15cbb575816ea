//! A whole login, or a refresh, with openidconnect, from the discovery of the provider on where there is one to discover.
use openidconnect::core::{
    CoreAuthDisplay, CoreClaimName, CoreClaimType, CoreClient, CoreClientAuthMethod, CoreDeviceAuthorizationResponse,
    CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse,
};
use openidconnect::reqwest::{blocking, redirect, Certificate};
use openidconnect::{
    AdditionalProviderMetadata, ClientId, ClientSecret, DeviceAuthorizationUrl, ErrorResponseType, IssuerUrl,
    OAuth2TokenResponse, ProviderMetadata, RefreshToken, RequestTokenError, Scope, StandardErrorResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};

/// The documentation of openidconnect has applications declare the member that RFC 8628 adds to the metadata.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct DeviceEndpoint {
    device_authorization_endpoint: DeviceAuthorizationUrl,
}

impl AdditionalProviderMetadata for DeviceEndpoint {}

type Metadata = ProviderMetadata<
    DeviceEndpoint,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

fn given(name: &str) -> Option<String> {
    std::env::var(format!("DEVICE_GRANT_{name}")).ok()
}

fn needed(name: &str) -> String {
    given(name).unwrap_or_else(|| panic!("DEVICE_GRANT_{name} is not set"))
}

fn ended<R, T>(error: RequestTokenError<R, StandardErrorResponse<T>>) -> !
where
    R: std::error::Error + 'static,
    T: ErrorResponseType + std::fmt::Display + 'static,
{
    match &error {
        RequestTokenError::ServerResponse(answer) => println!("device-grant: error {}", answer.error()),
        RequestTokenError::Request(_) => println!("device-grant: error Request"),
        RequestTokenError::Parse(..) => println!("device-grant: error Parse"),
        RequestTokenError::Other(_) => println!("device-grant: error Other"),
    }
    eprintln!("{error:?}");
    std::process::exit(1)
}

/// As the documentation makes it: no redirects. Its authorities are in the program, so that the run's has to be added.
fn http() -> blocking::Client {
    let mut builder = blocking::ClientBuilder::new().redirect(redirect::Policy::none());
    if let Ok(file) = std::env::var("SSL_CERT_FILE") {
        let pem = std::fs::read(file).expect("the authority can be read");
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).expect("the authority is PEM"));
    }
    builder.build().expect("an HTTP client can be made")
}

fn endpoints(issuer: &IssuerUrl, http: &blocking::Client) -> (DeviceAuthorizationUrl, TokenUrl) {
    if given("DISCOVER").is_none() {
        return (
            DeviceAuthorizationUrl::new(needed("DEVICE_AUTHORIZATION_ENDPOINT")).expect("a URL"),
            TokenUrl::new(needed("TOKEN_ENDPOINT")).expect("a URL"),
        );
    }
    let found = Metadata::discover(issuer, http).unwrap_or_else(|error| {
        println!("device-grant: error Discovery");
        eprintln!("{error:?}");
        std::process::exit(1)
    });
    let token = found.token_endpoint().cloned().expect("the metadata has a token endpoint");
    (found.additional_metadata().device_authorization_endpoint.clone(), token)
}

fn main() {
    let http = http();
    let issuer = IssuerUrl::new(needed("ISSUER")).expect("a URL");
    let (device_endpoint, token_endpoint) = endpoints(&issuer, &http);
    // Nothing here reads an ID token: the keys that it would be verified with stay unknown.
    let mut client = CoreClient::new(ClientId::new(needed("CLIENT_ID")), issuer, CoreJsonWebKeySet::new(Vec::new()));
    if let Some(secret) = given("CLIENT_SECRET") {
        client = client.set_client_secret(ClientSecret::new(secret));
    }
    let client = client.set_device_authorization_url(device_endpoint).set_token_uri(token_endpoint);
    let tokens: CoreTokenResponse = if needed("OPERATION") == "refresh" {
        let kept = RefreshToken::new(needed("REFRESH_TOKEN"));
        client.exchange_refresh_token(&kept).request(&http).unwrap_or_else(|error| ended(error))
    } else {
        let scope = given("SCOPE").unwrap_or_default();
        // The library asks for `openid` by itself.
        let scopes = scope.split_whitespace().filter(|word| *word != "openid");
        let device: CoreDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scopes(scopes.map(|word| Scope::new(word.to_owned())))
            .request(&http)
            .unwrap_or_else(|error| ended(error));
        println!("device-grant: shows {} {}", device.user_code().secret(), device.verification_uri().as_str());
        client
            .exchange_device_access_token(&device)
            .request(&http, std::thread::sleep, None)
            .unwrap_or_else(|error| ended(error))
    };
    let refresh = tokens.refresh_token().map_or("", |token| token.secret());
    println!("device-grant: token {} {refresh}", tokens.access_token().secret());
    println!("device-grant: done");
}
