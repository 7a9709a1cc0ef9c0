package teams

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const peersDir = "../../deploy/peers"

// needPeer skips a test when the npm clients are not installed. `make test`
// installs them, and with CI set a missing one is a failure.
func needPeer(t *testing.T, module string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(peersDir, "node_modules", filepath.FromSlash(module))); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatalf("%s is not installed in deploy/peers", module)
	}
	t.Skipf("%s is not installed: deploy/test/setup.sh installs it", module)
}

// startPeer runs a script of deploy/peers and returns the address it listens on.
func startPeer(t *testing.T, script string, env ...string) string {
	t.Helper()
	cmd := exec.Command("node", script)
	cmd.Dir = peersDir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	port := make(chan string, 1)
	go func() {
		defer close(port)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if p, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
				port <- p
			}
		}
	}()
	select {
	case p, ok := <-port:
		if !ok {
			t.Fatalf("%s ended before it listened", script)
		}
		return "http://127.0.0.1:" + p
	case <-time.After(30 * time.Second):
		t.Fatalf("%s does not listen", script)
	}
	return ""
}
