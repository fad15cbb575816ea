// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "device-grant-soto",
    platforms: [.macOS(.v13)],
    dependencies: [.package(url: "https://github.com/soto-project/soto.git", exact: "7.13.0")],
    targets: [
        .executableTarget(name: "drive", dependencies: [.product(name: "SotoSSOOIDC", package: "soto")])
    ]
)
