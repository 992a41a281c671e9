package command

// Codec is codec.
type Codec = codec
