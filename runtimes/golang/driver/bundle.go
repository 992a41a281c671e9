package driver

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"regexp"
	"strings"

	"hotcell/internal/wire"
)

// The types of specifications that front ends draw; the number is the version
// of the schema when a specification doesn't say it.
const (
	vegaLiteType = "application/vnd.vegalite.v5+json"
	vegaType     = "application/vnd.vega.v5+json"
	plotlyType   = "application/vnd.plotly.v1+json"
)

// schema matches what Vega and Vega-Lite call themselves.
var schema = regexp.MustCompile(`^https?://vega\.github\.io/schema/(vega|vega-lite)/v(\d+)`)

// bundleOf is what values look like: Go's own syntax, and, if it is one value
// that is a picture, that. What goes wrong with the picture costs only it.
func bundleOf(labels []string, values []any) wire.Bundle {
	b := wire.Bundle{"text/plain": quote(pretty(labels, values))}
	if len(values) == 1 {
		if mime, raw := picture(values[0]); mime != "" {
			b[mime] = raw
			if _, ok := inside(values[0]).(image.Image); ok { // its text would be its pixels
				b["text/plain"] = quote(imageText(labels, inside(values[0])))
			}
		}
	}
	return b
}

func imageText(labels []string, v any) string {
	name := fmt.Sprintf("%T", v)
	if len(labels) == 1 && labels[0] != "" {
		name = labels[0]
	}
	m, ok := v.(image.Image)
	if !ok {
		return name
	}
	size := m.Bounds().Size()
	return fmt.Sprintf("%s (%d x %d)", name, size.X, size.Y)
}

// picture finds the picture that a value is: an image, the bytes of an image
// file, or a specification. The type is empty if it is none.
func picture(v any) (mime string, raw json.RawMessage) {
	defer func() {
		if r := recover(); r != nil { // an image of the user's that panics
			mime, raw = "", nil
		}
	}()
	if v == nil {
		return "", nil
	}
	if _, ok := v.(image.Image); !ok {
		v = inside(v)
	}
	switch x := v.(type) {
	case image.Image:
		mime = "image/png"
	case []byte:
		mime = fileType(x)
	case map[string]any:
		mime = specification(x)
	}
	if mime == "" {
		return "", nil
	}
	raw, err := encodePart(mime, v)
	if err != nil {
		return "", nil
	}
	return mime, raw
}

// fileType is the type of a file by how it begins.
func fileType(b []byte) string {
	begins := func(s string) bool { return bytes.HasPrefix(b, []byte(s)) }
	switch {
	case begins("\x89PNG\r\n\x1a\n"):
		return "image/png"
	case begins("\xff\xd8\xff"):
		return "image/jpeg"
	case begins("GIF8"):
		return "image/gif"
	case begins("RIFF") && len(b) >= 12 && string(b[8:12]) == "WEBP":
		return "image/webp"
	case begins("%PDF-"):
		return "application/pdf"
	}
	return ""
}

func specification(m map[string]any) string {
	name, _ := m["$schema"].(string)
	if s := schema.FindStringSubmatch(name); s != nil {
		return fmt.Sprintf("application/vnd.%s.v%s+json", strings.ReplaceAll(s[1], "-", ""), s[2])
	}
	return ""
}

// encodePart is one format of a bundle: images become PNG, bytes base64, and
// the text of a specification what it says.
func encodePart(mime string, v any) (json.RawMessage, error) {
	if _, ok := v.(image.Image); !ok && v != nil { // one of the user's is its wrapper's
		v = inside(v)
	}
	if strings.HasSuffix(mime, "+json") || strings.HasSuffix(mime, ".json") {
		switch x := v.(type) {
		case []byte:
			v = json.RawMessage(x)
		case string:
			v = json.RawMessage(x)
		}
	}
	switch x := v.(type) {
	case image.Image:
		if mime != "image/png" {
			return nil, errors.New("an image.Image becomes image/png")
		}
		if err := checkSize(x.Bounds()); err != nil {
			return nil, err
		}
		var file bytes.Buffer
		if err := png.Encode(&file, x); err != nil {
			return nil, err
		}
		v = base64.StdEncoding.EncodeToString(file.Bytes())
	case []byte:
		v = base64.StdEncoding.EncodeToString(x)
	case string:
		return quote(x), nil
	}
	return json.Marshal(v)
}

// maxPixels bounds an image: 8192 by 8192 take a second or two to encode, and
// an image.Uniform has no end.
const maxPixels = 64 << 20

func checkSize(r image.Rectangle) error {
	if r.Empty() {
		return fmt.Errorf("the image has no pixels: %v", r)
	}
	if w, h := r.Dx(), r.Dy(); w > maxPixels/h {
		return fmt.Errorf("the image has %d x %d pixels; at most %d are shown", w, h, maxPixels)
	}
	return nil
}
