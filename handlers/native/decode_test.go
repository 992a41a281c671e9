package native_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"hotcell/handlers/native"
)

func TestFaultyRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		body string
		id   string // that can still be answered to
		want string // in the message
	}{
		"nothing":                  {``, ``, "is empty"},
		"null":                     {`null`, ``, "not null"},
		"array":                    {`[1]`, ``, "must be a JSON object, not an array"},
		"number":                   {`3`, ``, "must be a JSON object, not a number"},
		"words":                    {`hello`, ``, "not JSON"},
		"half":                     {`{"id":7,"type":"exe`, `7`, "not JSON"},
		"two":                      {`{"id":1} {}`, `1`, "something after"},
		"unknown member":           {`{"id":"a","type":"ping","colour":1}`, `"a"`, `unknown member "colour"`},
		"unknown before the id":    {`{"colour":[1,{"id":5}],"id":"a"}`, `"a"`, `unknown member "colour"`},
		"wrong kind":               {`{"id":1,"type":5}`, `1`, `member "type" must be a string, not a number`},
		"id of no kind":            {`{"id":{},"type":"ping"}`, ``, `"id" must be a string or a number`},
		"id too long":              {`{"id":"` + strings.Repeat("x", 200) + `"}`, ``, `"id" is longer`},
		"execution id too long":    {`{"id":1,"execution":"` + strings.Repeat("x", 200) + `"}`, `1`, `"execution" is longer`},
		"negative timeout":         {`{"id":1,"timeout_ms":-1}`, `1`, "must not be negative"},
		"huge timeout":             {`{"id":1,"timeout_ms":1e300}`, `1`, "366 days"},
		"huger timeout":            {`{"id":1,"timeout_ms":1e999}`, `1`, `"timeout_ms" must be a number`},
		"timeout in words":         {`{"id":1,"timeout_ms":"5"}`, `1`, `"timeout_ms" must be a number, not a string`},
		"negative cursor":          {`{"id":1,"cursor":-1}`, `1`, `"cursor" must not be negative`},
		"fractional cursor":        {`{"id":1,"cursor":1.5}`, `1`, `"cursor" must be a whole number`},
		"negative from":            {`{"id":1,"from":-1}`, `1`, `"from" must be a whole number`},
		"detail":                   {`{"id":1,"detail":2}`, `1`, `"detail" must be 0 or 1`},
		"value and end":            {`{"id":1,"value":"","eof":true}`, `1`, "exclude each other"},
		"environment of a number":  {`{"id":1,"env":{"A":1}}`, `1`, `must be a string`},
		"invalid UTF-8 after id":   {"{\"id\":1,\"code\":\"\xff\"}", `1`, "not valid UTF-8"},
		"invalid UTF-8 in the id":  {"{\"id\":\"\xff\"}", ``, "not valid UTF-8"},
		"a NUL between the tokens": {"{\"id\":1,\x00}", `1`, "not JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id, f := native.Decode([]byte(c.body))
			if f == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(f.Message, c.want) || f.Code != "INVALID_REQUEST" || f.Status != 400 {
				t.Errorf("%d %s: %q does not say %q", f.Status, f.Code, f.Message, c.want)
			}
			if id != c.id {
				t.Errorf("id is %s, want %s", id, c.id)
			}
		})
	}
}

func TestSoundRequests(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`,
		` {"type":"ping"} `,
		`{"id":-3.5e2,"type":"execute","code":"\u0000\ud800","timeout_ms":0.001,"env":{"A":""}}`,
		`{"id":"","grace_ms":-1}`,
	} {
		if _, f := native.Decode([]byte(body)); f != nil {
			t.Errorf("%s: %v", body, f)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"type":"execute","code":"1+1","timeout_ms":1.5,"env":{"A":"b"}}`,
		`{"type":"attach","execution":"x","from":3,"id":"b"}`,
		`[`, `null`, "\xff", `{"id":`, `{"id":1}{"id":2}`, `{"ID":1,"id":2}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, fault := native.Decode(body)
		if id != "" && (!utf8.ValidString(id) || len(id) > 128) {
			t.Errorf("id %q cannot be sent back", id)
		}
		if fault != nil && (fault.Message == "" || fault.Status != 400) {
			t.Errorf("fault without words: %+v", fault)
		}
	})
}
