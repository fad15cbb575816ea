//! A whole login, or a refresh, with oauth2 5 and the HTTP client that it brings.
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::reqwest::{blocking, redirect, Certificate};
use oauth2::{
    ClientId, ClientSecret, DeviceAuthorizationUrl, ErrorResponseType, RefreshToken, RequestTokenError, Scope,
    StandardDeviceAuthorizationResponse, StandardErrorResponse, TokenResponse, TokenUrl,
};

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

/// As the documentation of oauth2 makes it: no redirects. Its authorities are in the program, so that the run's has to be added.
fn http() -> blocking::Client {
    let mut builder = blocking::ClientBuilder::new().redirect(redirect::Policy::none());
    if let Ok(file) = std::env::var("SSL_CERT_FILE") {
        let pem = std::fs::read(file).expect("the authority can be read");
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).expect("the authority is PEM"));
    }
    builder.build().expect("an HTTP client can be made")
}

fn main() {
    let http = http();
    let mut client = BasicClient::new(ClientId::new(needed("CLIENT_ID")));
    if let Some(secret) = given("CLIENT_SECRET") {
        client = client.set_client_secret(ClientSecret::new(secret));
    }
    let client = client
        .set_token_uri(TokenUrl::new(needed("TOKEN_ENDPOINT")).expect("a URL"))
        .set_device_authorization_url(
            DeviceAuthorizationUrl::new(needed("DEVICE_AUTHORIZATION_ENDPOINT")).expect("a URL"),
        );
    let tokens: BasicTokenResponse = if needed("OPERATION") == "refresh" {
        let kept = RefreshToken::new(needed("REFRESH_TOKEN"));
        client.exchange_refresh_token(&kept).request(&http).unwrap_or_else(|error| ended(error))
    } else {
        let scope = given("SCOPE").unwrap_or_default();
        let device: StandardDeviceAuthorizationResponse = client
            .exchange_device_code()
            .add_scopes(scope.split_whitespace().map(|word| Scope::new(word.to_owned())))
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
