defmodule DeviceGrant.MixProject do
  use Mix.Project

  def project do
    [
      app: :device_grant,
      version: "1.0.0",
      elixir: "~> 1.14",
      # The driver is a script: there is nothing of our own to compile.
      elixirc_paths: [],
      deps: [{:aws, "1.0.15"}, {:hackney, "~> 1.16"}]
    ]
  end
end
