package native_test

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
)

// shownArtifact is an artifact as it is listed.
type shownArtifact struct {
	ID                       int
	Kind, Title, Alt, Source string
	Shape                    []int
	Truncated, Update        bool
	DisplayID                string `json:"display_id"`
	Data                     string
	Formats                  map[string]struct {
		Href, Type string
		Size       int
	}
}

func (a shownArtifact) endings() string {
	return strings.Join(slices.Sorted(maps.Keys(a.Formats)), " ")
}

const artifactCell = `print('text')
display({'text/plain': 'nothing to take away', 'text/html': '<b>'}, raw=True)
display({'image/png': b'\x89PNG' * 3, 'application/vnd.hotcell.chart+json': {'source': 'matplotlib', 'axes': [
  {'kind': 'cartesian', 'title': 'T', 'series': [{'kind': 'line', 'label': 'é, "q"', 'x': [1, 2], 'y': [3.5, None]}]}]}}, raw=True)
display({'application/vnd.plotly.v1+json': {'data': [{'type': 'bar', 'x': ['a', 'b'], 'y': [3, 5]}], 'layout': {'title': {'text': 'P'}}}}, raw=True)
display({'application/vnd.hotcell.table+json': {'shape': [3, 2], 'rows': 2, 'truncated': True, 'columns': [{'name': 'n'}, {'name': 'a'}],
  'data': {'n': [1.5, None], 'a': ['x,y', [1, {'k': None}]]}, 'index': [{'name': '', 'values': ['2024-01-02', 'q"']}]}}, raw=True)
h = display({'image/svg+xml': '<svg/>', 'image/jpeg': b'\xff\xd8'}, raw=True, display_id='d')
h.update({'application/pdf': b'%PDF'}, raw=True)
display({'application/vnd.hotcell.chart+json': {'axes': 'forged'}, 'application/vnd.hotcell.table+json': {'rows': 0, 'fault': 'no'}}, raw=True)
`

func TestArtifacts(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	x := runWaiting(t, s, artifactCell)
	status, body, _ := ask(t, s, http.MethodGet, "/v1/executions/"+x+"/artifacts", "")
	list := decode[struct {
		Artifacts []shownArtifact
		Next      int
	}](t, body)
	if status != http.StatusOK || len(list.Artifacts) != 5 || list.Next != 0 {
		t.Fatalf("%d %s", status, body)
	}
	var got []string
	for _, a := range list.Artifacts {
		got = append(got, fmt.Sprintf("%s %s, %q, %q, %v %t %q %t", a.Kind, a.endings(), a.Title, a.Source, a.Shape, a.Truncated, a.DisplayID, a.Update))
	}
	if d := cmp.Diff([]string{
		`chart csv json png, "T", "matplotlib", [] false "" false`,
		`chart csv json, "P", "plotly", [] false "" false`,
		`table csv json, "", "", [3 2] true "" false`,
		`image jpeg svg, "", "", [] false "d" false`,
		`document pdf, "", "", [] false "d" true`,
	}, got); d != "" {
		t.Error(d)
	}
	for i, want := range []map[string]string{
		{"png": "\x89PNG\x89PNG\x89PNG", "csv": "axes,title,series,kind,label,x,y\n1,T,1,line,\"é, \"\"q\"\"\",1,3.5\n1,T,1,line,\"é, \"\"q\"\"\",2,\n"},
		{"csv": "axes,title,series,kind,category,value,base\n1,P,1,bar,a,3,0\n1,P,1,bar,b,5,0\n"},
		{"csv": "index,n,a\n2024-01-02,1.5,\"x,y\"\n\"q\"\"\",,\"[1,{\"\"k\"\":null}]\"\n"},
		{"svg": "<svg/>", "jpeg": "\xff\xd8"},
		{"pdf": "%PDF"},
	} {
		for ending, text := range want {
			format := list.Artifacts[i].Formats[ending]
			status, body, header := ask(t, s, http.MethodGet, format.Href, "")
			if status != http.StatusOK || len(body) != format.Size || header.Get("Content-Type") != format.Type || !strings.HasPrefix(header.Get("Content-Security-Policy"), "sandbox;") {
				t.Errorf("%s: %d, %d bytes, %s", format.Href, status, len(body), header)
			}
			if d := cmp.Diff(text, body); d != "" {
				t.Errorf("%s: %s", format.Href, d)
			}
		}
	}
	chart := list.Artifacts[0]
	if _, body, _ := ask(t, s, http.MethodGet, chart.Formats["json"].Href, ""); decode[struct{ Alt string }](t, body).Alt != chart.Alt || chart.Alt == "" || strings.Contains(body, "png") {
		t.Errorf("the model is %s, its text in the list %q", body, chart.Alt)
	}
	one := fmt.Sprintf("/v1/executions/%s/artifacts/%d", x, chart.ID)
	if _, body, _ := ask(t, s, http.MethodGet, one, ""); !cmp.Equal(decode[shownArtifact](t, body), chart) {
		t.Errorf("%s is not what is listed", body)
	}
	if status, body, _ := ask(t, s, http.MethodGet, chart.Data, ""); status != http.StatusOK || !strings.Contains(body, "/data/image/png") {
		t.Errorf("%s: %d %s", chart.Data, status, body)
	}
	refused(t, s, x, list.Artifacts)
}

// refused asks for what isn't there: the answer says what is, and how to come by the rest.
func refused(t *testing.T, s *testserver.Server, x string, all []shownArtifact) {
	t.Helper()
	base := "/v1/executions/" + x + "/artifacts"
	for path, want := range map[string]string{
		fmt.Sprintf("%s/%d.svg", base, all[0].ID):  `has no svg; it has csv, json, png. A figure is drawn when it is shown: run the code again with \"formats\": [\"svg\"]`,
		fmt.Sprintf("%s/%d.webp", base, all[0].ID): "have the code show one",
		fmt.Sprintf("%s/%d.png", base, all[1].ID):  "have the code show one; " + all[1].Data + " has all that came",
		fmt.Sprintf("%s/%d.png", base, all[2].ID):  "a table, has no png; it has csv, json\"",
		fmt.Sprintf("%s/%d.", base, all[2].ID):     "NO_FORMAT",
		base + "/2":                                "shows no chart, table or picture, it is of the type stdout",
		base + "/2.png":                            "NO_FORMAT",
		base + "/99":                               "has no event 99",
		base + "/0.png":                            "must have the number",
		base + "/x.png":                            "must have the number",
		base + "?from=-1":                          `query \"from\" must be`,
		"/v1/executions/none/artifacts":            "NOT_FOUND",
	} {
		if status, body, _ := ask(t, s, http.MethodGet, path, ""); status/100 != 4 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _, _ := ask(t, s, http.MethodGet, base, "", "Authorization", "Bearer wrong"); status != http.StatusUnauthorized {
		t.Errorf("without the key: %d", status)
	}
}

// A long list comes in parts, and one of an execution that runs has what there is.
func TestManyArtifacts(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	status, body, _ := ask(t, s, http.MethodPost, "/v1/contexts/default/executions", fmt.Sprintf(`{"code": %q, "execution": "many", "stdin": true}`,
		"for i in range(1500): display({'image/svg+xml': str(i)}, raw=True)\ninput('on?')"))
	if status != http.StatusAccepted {
		t.Fatal(body)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/v1/executions/many/events?inline=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for lines := bufio.NewScanner(resp.Body); lines.Scan() && !strings.Contains(lines.Text(), `"input_request"`); {
		continue
	}
	var seen int
	for from := 1; from != 0; {
		_, body, _ := ask(t, s, http.MethodGet, fmt.Sprintf("/v1/executions/many/artifacts?from=%d", from), "")
		list := decode[struct {
			Artifacts []shownArtifact
			Next      int
		}](t, body)
		seen, from = seen+len(list.Artifacts), list.Next
	}
	if seen != 1500 {
		t.Errorf("%d artifacts", seen)
	}
	// Without an end, the stream would find out at its next word that nobody reads.
	if status, body, _ := ask(t, s, http.MethodPost, "/v1/executions/many/input", `{"value":"on"}`); status != http.StatusNoContent {
		t.Errorf("%d %s", status, body)
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Error(err)
	}
}
