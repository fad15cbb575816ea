//! A whole login, or a refresh, with oauth2 4 and the HTTP client that it brings.
use std::io::Read;

use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::reqwest::{http_client, Error, HttpClientError};
use oauth2::{
    AuthUrl, ClientId, ClientSecret, DeviceAuthorizationUrl, ErrorResponseType, HttpRequest, HttpResponse, RefreshToken,
    RequestTokenError, Scope, StandardDeviceAuthorizationResponse, StandardErrorResponse, TokenResponse, TokenUrl,
};
use reqwest::{blocking, redirect, Certificate};

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

/// The library's own function, but where the run has an authority: that one takes none, so an application writes it anew.
fn http(request: HttpRequest) -> Result<HttpResponse, HttpClientError> {
    let Ok(file) = std::env::var("SSL_CERT_FILE") else {
        return http_client(request);
    };
    let pem = std::fs::read(file).map_err(Error::Io)?;
    let client = blocking::Client::builder()
        .redirect(redirect::Policy::none())
        .add_root_certificate(Certificate::from_pem(&pem).map_err(Error::Reqwest)?)
        .build()
        .map_err(Error::Reqwest)?;
    let mut answer = client
        .request(request.method, request.url)
        .headers(request.headers)
        .body(request.body)
        .send()
        .map_err(Error::Reqwest)?;
    let mut body = Vec::new();
    answer.read_to_end(&mut body).map_err(Error::Io)?;
    Ok(HttpResponse { status_code: answer.status(), headers: answer.headers().to_owned(), body })
}

fn main() {
    let client = BasicClient::new(
        ClientId::new(needed("CLIENT_ID")),
        given("CLIENT_SECRET").map(ClientSecret::new),
        AuthUrl::new(format!("{}/authorize", needed("ENDPOINT"))).expect("a URL"),
        Some(TokenUrl::new(needed("TOKEN_ENDPOINT")).expect("a URL")),
    )
    .set_device_authorization_url(
        DeviceAuthorizationUrl::new(needed("DEVICE_AUTHORIZATION_ENDPOINT")).expect("a URL"),
    );
    let tokens: BasicTokenResponse = if needed("OPERATION") == "refresh" {
        let kept = RefreshToken::new(needed("REFRESH_TOKEN"));
        client.exchange_refresh_token(&kept).request(http).unwrap_or_else(|error| ended(error))
    } else {
        let scope = given("SCOPE").unwrap_or_default();
        let device: StandardDeviceAuthorizationResponse = client
            .exchange_device_code()
            .expect("the client knows its device authorization endpoint")
            .add_scopes(scope.split_whitespace().map(|word| Scope::new(word.to_owned())))
            .request(http)
            .unwrap_or_else(|error| ended(error));
        println!("device-grant: shows {} {}", device.user_code().secret(), device.verification_uri().as_str());
        client
            .exchange_device_access_token(&device)
            .request(http, std::thread::sleep, None)
            .unwrap_or_else(|error| ended(error))
    };
    let refresh = tokens.refresh_token().map_or("", |token| token.secret());
    println!("device-grant: token {} {refresh}", tokens.access_token().secret());
    println!("device-grant: done");
}
