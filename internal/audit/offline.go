package audit

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"regexp"
	"slices"
	"strconv"
)

// maxLine bounds a line of an export, which holds 256 KiB of changes at the most, of which none grows sixfold.
const maxLine = 4 << 20

// VerifyExport reads an NDJSON export and holds it against its chain and its signatures. It needs no database. Without
// trusted keys the keys in the export itself are taken, so that whoever compares the report's keys with those of the
// platform must decide: an invented export can be signed with an invented key.
func VerifyExport(r io.Reader, trusted ...ed25519.PublicKey) (*Report, error) {
	f := &file{report: &Report{Tenants: 1, Faults: []Fault{}}, trusted: trusted, content: sha256.New()}
	reader := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := reader.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			return nil, fmt.Errorf("line %d is longer than any line of an export", f.line+1)
		}
		if len(line) > 0 {
			f.line++
			f.read(line)
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	f.finish()
	return f.report, nil
}

// file is an export that is being read.
type file struct {
	report  *Report
	trusted []ed25519.PublicKey
	header  *headerLine
	walk    *walker
	content hash.Hash
	line    int
	ended   bool
}

func (f *file) fault(kind Kind, what string, seq int64, detail string) {
	fault := Fault{Kind: kind, What: what, Seq: seq, Line: f.line, Detail: detail}
	if f.header != nil {
		fault.Tenant = f.header.TenantID
	}
	f.report.Faults = append(f.report.Faults, fault)
}

var (
	lineType = regexp.MustCompile(`^\{"type":"(header|event|checkpoint|end)"`)
	lineSeq  = regexp.MustCompile(`^\{"type":"event","seq":([0-9]{1,18}),`)
)

func (f *file) read(line []byte) {
	text := bytes.TrimSuffix(line, []byte("\n"))
	kind := ""
	if m := lineType.FindSubmatch(text); m != nil {
		kind = string(m[1])
	}
	switch {
	case f.ended:
		f.fault(Inserted, "line", 0, "it comes behind the end")
	case f.line == 1:
		f.begin(text)
	case kind == "event":
		f.event(text)
	case kind == "checkpoint":
		f.checkpoint(text)
	case kind == "end":
		f.end(text)
	default:
		f.fault(Unreadable, "line", 0, "it is no line of an export")
	}
	if !f.ended {
		_, _ = f.content.Write(line)
	}
}

// begin reads the header. Without one the chain is still held against itself.
func (f *file) begin(text []byte) {
	f.header = &headerLine{}
	if err := decode(text, f.header); err != nil {
		f.fault(Unreadable, "header", 0, err.Error())
	} else if f.header.Type != "header" || f.header.Format != exportFormat {
		f.fault(Unreadable, "header", 0, "the format is not "+exportFormat)
	}
	for _, k := range f.header.Keys {
		if len(k.PublicKey) != ed25519.PublicKeySize || k.Algorithm != algorithm {
			f.fault(Unreadable, "header", 0, "a key is none")
			continue
		}
		known := len(f.trusted) == 0 || slices.ContainsFunc(f.trusted, func(t ed25519.PublicKey) bool { return t.Equal(ed25519.PublicKey(k.PublicKey)) })
		if known {
			f.report.Keys = append(f.report.Keys, PublicKey{ID: k.ID, Key: k.PublicKey})
		}
	}
	anchor := f.header.Anchor.read(f.header.TenantID)
	if anchor != nil && !verified(f.report.Keys, anchor.key, anchor.message(domainAnchor), anchor.signature) {
		f.fault(Altered, "anchor", anchor.seq, "its signature is not good")
	}
	f.walk = newWalker(f.header.TenantID, anchor, f.report)
}

func (f *file) event(text []byte) {
	f.walk.line = f.line
	var l eventLine
	err := decode(text, &l)
	var fault *Fault
	if err != nil {
		fault = &Fault{Kind: Altered, Detail: err.Error()}
		if m := lineSeq.FindSubmatch(text); m != nil && l.Seq == 0 {
			l.Seq, _ = strconv.ParseInt(string(m[1]), 10, 64)
		}
		if l.Seq == 0 || len(l.Hash) == 0 { // too little is left of it
			f.fault(Altered, "event", l.Seq, err.Error())
			f.walk.skip(l.Seq)
			return
		}
	}
	link, _ := l.read(f.header.TenantID)
	f.walk.link(link, fault)
}

func (f *file) checkpoint(text []byte) {
	f.walk.line = f.line
	var l checkpointLine
	if err := decode(text, &l); err != nil {
		f.fault(Altered, "checkpoint", l.Number, err.Error())
		return
	}
	s := l.read(f.header.TenantID)
	if !verified(f.report.Keys, s.key, s.message(domainCheckpoint), s.signature) {
		f.fault(Altered, "checkpoint", s.number, "its signature is not good")
		return
	}
	f.walk.checkpoint(s)
}

// end holds the whole file against its signature, which also tells when the file ends too early.
func (f *file) end(text []byte) {
	f.ended = true
	f.walk.line = f.line
	var l endLine
	if err := decode(text, &l); err != nil {
		f.fault(Altered, "end", 0, err.Error())
		return
	}
	if !verified(f.report.Keys, l.KeyID, l.message(f.header.TenantID), l.Signature) {
		f.fault(Altered, "end", 0, "its signature is not good")
		return
	}
	f.walk.gap(l.Seq + 1)
	if !bytes.Equal(l.Digest, f.content.Sum(nil)) {
		f.fault(Altered, "export", 0, "it is not what was exported")
	}
}

func (f *file) finish() {
	switch {
	case f.header == nil:
		f.fault(Missing, "header", 0, "the export is empty")
		return
	case !f.ended:
		f.fault(Missing, "end", 0, "the export ends too early")
	}
	f.walk.end()
}
