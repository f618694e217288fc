package sentry

import (
	"slices"
	"strconv"
	"strings"

	"github.com/getsentry/sentry-go"
)

// ours begins the packages of the platform.
const ours = "github.com/yourorg/platform/"

// frames reads what runtime/debug.Stack has written, and begins with the outermost call, as Sentry wants it. Arguments are left
// out, and so is what lies above the panic.
func frames(stack []byte) []sentry.Frame {
	lines := strings.Split(string(stack), "\n")
	var all []sentry.Frame
	for i := 1; i+1 < len(lines); i += 2 {
		call, place := lines[i], strings.TrimSpace(lines[i+1])
		call, _ = strings.CutPrefix(call, "created by ")
		call, _, _ = strings.Cut(call, " in goroutine ")
		if open := strings.LastIndexByte(call, '('); open > 0 && strings.HasSuffix(call, ")") {
			call = call[:open]
		}
		file, line := position(place)
		if call == "panic" || call == "runtime.gopanic" {
			all = nil // what comes before is how the panic was noticed
			continue
		}
		module, function := split(call)
		all = append(all, sentry.Frame{
			Function: function, Module: module, AbsPath: file, Filename: file[strings.LastIndexByte(file, '/')+1:], Lineno: line,
			InApp: strings.HasPrefix(call, ours),
		})
	}
	slices.Reverse(all)
	return all
}

// position reads /path/file.go:12 +0x1f.
func position(place string) (file string, line int) {
	place, _, _ = strings.Cut(place, " ")
	file, number, _ := strings.Cut(place, ".go:")
	line, _ = strconv.Atoi(number) // 0 is unknown
	return file + ".go", line
}

// split parts the package from the function: its path may have dots, the function begins after the last slash.
func split(call string) (module, function string) {
	slash := strings.LastIndexByte(call, '/') + 1
	dot := strings.IndexByte(call[slash:], '.')
	if dot < 0 {
		return "", call
	}
	return call[:slash+dot], call[slash+dot+1:]
}
