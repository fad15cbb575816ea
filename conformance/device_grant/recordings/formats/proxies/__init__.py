"""What proxies save besides HAR: sessions of Charles and Fiddler, dumps of mitmproxy."""
