module cli-oauth

go 1.26.8

require github.com/cli/oauth v1.2.2
