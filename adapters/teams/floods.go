package teams

import (
	"math"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// failuresPerMinute is what one source may get wrong before it is told to
	// stay away for a while. Teams itself gets nothing wrong.
	failuresPerMinute = 30
	// maxSources bounds the memory; beyond it any one makes room.
	maxSources = 4096
)

// floods counts refused tokens per source. Only failures count, and a source
// that is over its limit is still heard: its token is verified like any other,
// and a good one is served. Behind a proxy all senders look like one source, and
// whoever floods through it must not be able to shut Teams out. What the limit
// changes is the answer to a bad token, 429 with Retry-After, and that it is not
// looked at any further: no log line of its own. Verifying takes a core less
// than 0.1 ms (BenchmarkForged), the body is not read before it, and key ids
// nobody knows fetch nothing (keysFloor).
type floods struct {
	now func() time.Time

	mu      sync.Mutex
	sources map[string]*rate.Limiter // of failures
}

func newFloods(now func() time.Time) *floods {
	return &floods{now: now, sources: map[string]*rate.Limiter{}}
}

// failed counts a failure of a sender and says how long it should stay away; 0
// while it is within its limit.
func (f *floods) failed(remote string) time.Duration {
	key, now := sourceOf(remote), f.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	left := f.sources[key]
	if left == nil {
		f.makeRoom()
		left = rate.NewLimiter(rate.Every(time.Minute/failuresPerMinute), failuresPerMinute)
		f.sources[key] = left
	}
	if left.AllowN(now, 1) {
		return 0
	}
	return time.Minute
}

// makeRoom forgets a source when there are too many. Somebody with that many
// addresses is not slowed down by a count per address anyway.
func (f *floods) makeRoom() {
	if len(f.sources) < maxSources {
		return
	}
	for key := range f.sources {
		delete(f.sources, key)
		return
	}
}

// sourceOf a connection: its address, for IPv6 the /64 one customer gets.
// Headers such as X-Forwarded-For are the sender's to write, so they are not read.
func sourceOf(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return "unknown"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return "unknown"
	}
	if ip = ip.Unmap(); ip.Is4() {
		return ip.String()
	}
	network, err := ip.WithZone("").Prefix(64)
	if err != nil {
		return "unknown"
	}
	return network.String()
}

// seconds for a Retry-After header, at least one.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(max(math.Ceil(d.Seconds()), 1)))
}
