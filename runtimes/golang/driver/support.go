package driver

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"

	"hotcell/internal/wire"
	"hotcell/runtimes/golang/cell"
)

// exports are the packages that the driver gives to cells.
func (k *kernel) exports() map[string]map[string]reflect.Value {
	return map[string]map[string]reflect.Value{
		cell.SupportPath: {
			"Result":    reflect.ValueOf(k.result),
			"Print":     reflect.ValueOf(func(a ...any) { fmt.Fprint(os.Stderr, spaced(a, "")) }),
			"Println":   reflect.ValueOf(func(a ...any) { fmt.Fprint(os.Stderr, spaced(a, " ")+"\n") }),
			"Clear":     reflect.ValueOf(func(v any) { reflect.ValueOf(v).Clear() }),
			"Equal":     reflect.ValueOf(equal),
			"Shown":     reflect.ValueOf(newShown),
			"Speaker":   reflect.ValueOf(newSpeaker),
			"TypeName":  reflect.ValueOf(typeName),
			"TypeOf":    reflect.ValueOf(typeOf),
			"As":        reflect.ValueOf(as),
			"Is":        reflect.ValueOf(is),
			"Inside":    reflect.ValueOf(inside),
			"Any":       reflect.ValueOf(func(v any) any { return v }),
			"NewError":  reflect.ValueOf(newError),
			"BadAssert": reflect.ValueOf(badAssert),
			"At":        reflect.ValueOf(k.trace.at),
			"Recovered": reflect.ValueOf(recovered),
			"GoStart":   reflect.ValueOf(k.users.start),
			"GoEnd":     reflect.ValueOf(k.goEnd),
			"Alive":     reflect.ValueOf(k.users.alive),
			"Forever":   reflect.ValueOf(k.forever),
			"Select":    reflect.ValueOf(k.choose),
		},
		"hotcell/display": k.displayExports(),
	}
}

// spaced is how the print built-ins write their arguments.
func spaced(a []any, sep string) string {
	parts := make([]string, len(a))
	for i, v := range a {
		switch v := v.(type) {
		case float64, float32:
			parts[i] = fmt.Sprintf("%+e", v)
		default:
			parts[i] = fmt.Sprint(v)
		}
	}
	return strings.Join(parts, sep)
}

// recovered is what recover gives to user code.
func recovered(v any) any {
	v = unwrap(v)
	if re := asRuntime(v); re != nil {
		return re
	}
	return v
}

// goEnd ends a goroutine of user code. A panic in it ends the kernel, with the
// words and the status that Go has for it.
func (k *kernel) goEnd(v any) {
	if v == nil {
		k.users.end()
		return
	}
	name, value := describe(v)
	if name != "panic" {
		value = name + ": " + value
	}
	fmt.Fprintf(os.Stderr, "panic: %s\n\ngoroutine %d [running]:\n%s\n", value, number(), k.trace.text(k.session, name, value))
	os.Exit(2)
}

// forever is select {}: it waits until user code is ended.
func (k *kernel) forever() {
	<-k.engine.done
}

// result sends the value of the cell's last expression.
func (k *kernel) result(labels string, values ...any) {
	names := strings.Split(labels, "\x00")
	if len(values) == 1 && values[0] == nil && names[0] == "error" {
		return // a call that only says that nothing went wrong
	}
	k.mu.Lock()
	id := k.id
	k.mu.Unlock()
	m := wire.Message{Type: wire.MsgResult, ID: id, Bundle: bundleOf(names, values)}
	err := k.conn.send(m)
	if errors.Is(err, wire.ErrFrameTooLarge) { // a picture; the text has a bound of its own
		m.Bundle = wire.Bundle{"text/plain": m.Bundle["text/plain"]}
		err = k.conn.send(m)
	}
	if err != nil {
		panic(fmt.Errorf("show the result: %w", err))
	}
}

func quote(s string) json.RawMessage {
	raw, err := json.Marshal(strings.ToValidUTF8(s, "\uFFFD"))
	if err != nil {
		return json.RawMessage(`""`)
	}
	return raw
}

var errNoCell = errors.New("display: no cell is running")
