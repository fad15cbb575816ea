# One operation of AWS.SSOOIDC from aws-elixir.

defmodule Drive do
  @grant_type "urn:ietf:params:oauth:grant-type:device_code"
  # The operations are public: nobody who signs in has credentials to sign requests with.
  @options [sign_request?: false]

  def run("register") do
    input = %{
      "clientName" => "device-grant",
      "clientType" => "public",
      "scopes" => ["sso:account:access"]
    }

    answer = call(:register_client, input)
    say("registered #{answer["clientId"]}")
  end

  def run("start") do
    answer = call(:start_device_authorization, credentials(%{"startUrl" => env("START_URL")}))
    say("shows #{answer["userCode"]} #{answer["verificationUri"]}")
    say("started #{answer["deviceCode"]}")
  end

  def run("token"), do: create(%{"grantType" => @grant_type, "deviceCode" => env("DEVICE_CODE")})

  def run("refresh"),
    do: create(%{"grantType" => "refresh_token", "refreshToken" => env("REFRESH_TOKEN")})

  def env(name), do: System.get_env("DEVICE_GRANT_#{name}")
  def say(words), do: IO.puts("device-grant: #{words}")

  defp create(input) do
    answer = call(:create_token, credentials(input))
    say("token #{answer["accessToken"]} #{answer["refreshToken"]}")
  end

  defp credentials(input) do
    Map.merge(input, %{"clientId" => env("CLIENT_ID"), "clientSecret" => env("CLIENT_SECRET")})
  end

  defp call(operation, input) do
    case apply(AWS.SSOOIDC, operation, [client(), input, @options]) do
      {:ok, answer, _response} -> answer
      {:error, {:unexpected_response, response}} -> refused(response)
      {:error, reason} -> failed(inspect(reason))
    end
  end

  defp client do
    %URI{scheme: scheme, host: host, port: port} = URI.parse(env("ENDPOINT"))
    client = %{AWS.Client.create("", "", "us-east-1") | proto: scheme, port: port}

    if scheme == "https" do
      # Its authorities come from a package; and hackney compares a certificate with names, never with addresses.
      ssl_options = [cacertfile: System.get_env("SSL_CERT_FILE")]

      client
      |> AWS.Client.put_http_client({AWS.HTTPClient.Hackney, [ssl_options: ssl_options]})
      |> AWS.Client.put_endpoint("localhost")
    else
      AWS.Client.put_endpoint(client, host)
    end
  end

  # The library names no error: it hands out the response, whose body an application reads.
  defp refused(%{body: body}) do
    case Jason.decode(body) do
      {:ok, %{"error" => code}} -> failed(code)
      _ -> failed("unexpected_response")
    end
  end

  defp failed(reason) do
    say("error #{reason}")
    System.halt(1)
  end
end

Drive.run(Drive.env("OPERATION"))
Drive.say("done")
