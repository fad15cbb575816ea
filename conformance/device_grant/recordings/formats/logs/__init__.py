"""Traffic as text for people: transcripts of curl and its like, HTTP in documents, debug logs of the AWS CLI."""
