// Package activation takes the listening sockets that systemd, or whoever starts the process in its way, has opened.
package activation

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
)

const (
	scheme  = "systemd"
	firstFD = 3 // the one after standard error
)

// Asked tells whether addr is "systemd" or "systemd:NAME", and which name it asks for; an empty one is the only socket.
func Asked(addr string) (name string, ok bool) {
	if addr == scheme {
		return "", true
	}
	name, ok = strings.CutPrefix(addr, scheme+":")
	return name, ok && name != ""
}

// Sockets are those that the process was given. Nil is none.
type Sockets struct{ all []socket }

type socket struct {
	name string
	net.Listener
}

// Take takes what the variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES promise to the process with that pid, which
// are not handed on to its children. It is called once, before the process opens anything.
func Take(variable func(string) string, pid int) (*Sockets, error) {
	if variable("LISTEN_PID") != strconv.Itoa(pid) { // they are for another process
		return nil, nil
	}
	n, err := strconv.Atoi(variable("LISTEN_FDS"))
	if err != nil || n < 0 {
		return nil, fmt.Errorf("LISTEN_FDS is %q, which is no number of sockets", variable("LISTEN_FDS"))
	}
	names := strings.Split(variable("LISTEN_FDNAMES"), ":")
	s := &Sockets{}
	for i := range n {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		file := os.NewFile(uintptr(firstFD+i), name)
		ln, err := net.FileListener(file) // a copy, which children do not get
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("file descriptor %d (%s) is no listening socket: %w", firstFD+i, name, err)
		}
		s.all = append(s.all, socket{name, ln})
	}
	return s, nil
}

// Listen takes the socket that addr asks for, or else opens host:port. It is always TCP.
func (s *Sockets) Listen(ctx context.Context, addr string) (net.Listener, error) {
	name, ok := Asked(addr)
	if !ok {
		return new(net.ListenConfig).Listen(ctx, "tcp", addr)
	}
	var found []net.Listener
	for _, one := range s.given() {
		if name == "" || one.name == name {
			found = append(found, one.Listener)
		}
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%s is %d of the sockets that the process was given: %s", addr, len(found), s.names())
	}
	if _, ok := found[0].(*net.TCPListener); !ok {
		return nil, fmt.Errorf("%s is not a TCP socket but %s", addr, found[0].Addr().Network())
	}
	return found[0], nil
}

func (s *Sockets) given() []socket {
	if s == nil {
		return nil
	}
	return s.all
}

func (s *Sockets) names() string {
	var names []string
	for _, one := range s.given() {
		names = append(names, fmt.Sprintf("%s (%s)", one.name, one.Addr()))
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "it was given none"
	}
	return strings.Join(names, ", ")
}
