package slack

type socketState struct{}
