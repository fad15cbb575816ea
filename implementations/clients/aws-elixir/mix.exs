defmodule DeviceGrant.MixProject do
  use Mix.Project

  def project do
    [
      app: :device_grant,
      version: "1.0.0",
      # hackney 4 needs Erlang/OTP 27.
      elixir: "~> 1.17",
      # The driver is a script: there is nothing of our own to compile.
      elixirc_paths: [],
      # Beside what is built, since this folder may be one that cannot be written to.
      lockfile: Path.join(System.get_env("MIX_DEPS_PATH", "."), "mix.lock"),
      deps: [{:aws, "1.0.15"}, {:hackney, "4.5.2"}]
    ]
  end
end
