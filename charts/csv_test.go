package charts_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/charts"
)

func TestCSV(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ figure, want string }{
		"points": {
			`{"axes":[{"kind":"cartesian","title":"T","series":[{"kind":"line","label":"a, b","x":["2024-01-01","2024-01-02"],"y":[1.5,null]},{"kind":"stem","x":[1],"y":[2],"base":[0]}]}]}`,
			"axes,title,series,kind,label,x,y,base\n1,T,1,line,\"a, b\",2024-01-01,1.5,\n1,T,1,line,\"a, b\",2024-01-02,,\n1,T,2,stem,,1,2,0\n",
		},
		"bars": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"bar","category":["a"],"value":[2],"base":[0],"errors":{"y":{"low":[0.1],"high":[0.2]}}}]}]}`,
			"axes,series,kind,category,value,base,y_error_low,y_error_high\n1,1,bar,a,2,0,0.1,0.2\n",
		},
		"histogram": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"histogram","edges":[0,1,2],"counts":[3,4]}]}]}`,
			"axes,series,kind,x_low,x_high,count\n1,1,histogram,0,1,3\n1,1,histogram,1,2,4\n",
		},
		"pie": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"pie","wedges":[{"label":"x","fraction":0.5,"angle":180,"radius":1}]}]}]}`,
			"axes,series,kind,category,fraction,angle,start_angle,radius\n1,1,pie,x,0.5,180,0,1\n",
		},
		"boxes": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"box","boxes":[{"label":"b","position":1,"min":1,"first_quartile":2,"median":3,"third_quartile":4,"max":5,"outliers":[9]}]}]}]}`,
			"axes,series,kind,category,min,first_quartile,median,third_quartile,max,outlier\n1,1,box,b,1,2,3,4,5,\n1,1,box,b,,,,,,9\n",
		},
		"cells": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"heatmap","x_categories":["a","b"],"y_edges":[0,1],"values":[[1,null]]}]}]}`,
			"axes,series,kind,x,value,y_low,y_high\n1,1,heatmap,a,1,0,1\n1,1,heatmap,b,,0,1\n",
		},
		"nothing": {`{"axes":[]}`, "axes,series,kind\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			if err := charts.CSV(&b, decoded(t, c.figure)); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, b.String()); d != "" {
				t.Error(d)
			}
		})
	}
}
