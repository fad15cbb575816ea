module docker-cli

go 1.26

require github.com/docker/cli v29.9.3+incompatible
