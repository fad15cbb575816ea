"""What test suites keep of traffic: the Azure SDK's test proxy, go-vcr, nock, WireMock and Postman."""
