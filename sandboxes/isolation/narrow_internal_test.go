package isolation

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHomeIsNotShown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		path, home string
		want       []string
	}{
		{"/usr", "/root", []string{"/usr"}},
		{"/root/.pyenv/versions/3.11", "/root", []string{"/root/.pyenv/versions/3.11"}},
		{"/home/me", "/home/me", []string{"/home/me/bin", "/home/me/lib", "/home/me/lib64", "/home/me/libexec", "/home/me/include", "/home/me/share"}},
		{"/", "/bin/me", []string{"/lib", "/lib64", "/libexec", "/include", "/share"}},
		{"/home/mead", "/home/me", []string{"/home/mead"}},
	} {
		if diff := cmp.Diff(c.want, narrow([]string{c.path}, c.home)); diff != "" {
			t.Errorf("%s: %s", c.path, diff)
		}
	}
}
