//! The whole workflow of awscloud_sso_cred_helper. The server knows no accounts, with which a login that worked ends here.
use awscloud_sso_cred_helper::AwsSsoWorkflow;

#[tokio::main]
async fn main() {
    let start_url = std::env::var("DEVICE_GRANT_START_URL").expect("DEVICE_GRANT_START_URL is set");
    let mut workflow = AwsSsoWorkflow { start_url, region: "us-east-1".into() };
    match workflow.run_workflow().await {
        Err(error) if error.to_string() != "No accounts found" => {
            println!("device-grant: error Error");
            eprintln!("{error}");
            std::process::exit(1);
        }
        _ => println!("device-grant: done"),
    }
}
