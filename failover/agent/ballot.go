package agent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tandemkv/tandem/failover"
)

// The ballot's file is one line of head and one of JSON:
//
//	tandem-ballot 1 <CRC-32C of the rest, 8 hex digits>
//	{"Incarnation":3,"Epoch":7,"VotedFor":"a",...}
//
// It is written beside, synced, renamed into place, and its folder is synced: after a crash at any step the file is
// the old one or the new one, whole.
const (
	ballotName    = "ballot"
	ballotVersion = 1
	ballotHead    = "tandem-ballot %d %08x\n"
	ballotMax     = 1 << 20
)

// ballotFile keeps a voter's memory in a folder.
type ballotFile struct {
	dir  string
	lock *os.File
}

// openBallot locks the folder's ballot against a second process.
func openBallot(dir string) (*ballotFile, error) {
	lock, err := os.OpenFile(filepath.Join(dir, ballotName+".lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the ballot's lock: %w", err)
	}
	if err := lockFile(lock); err != nil {
		lock.Close()
		return nil, fmt.Errorf("%s is in use by another process: %w", filepath.Join(dir, ballotName), err)
	}
	return &ballotFile{dir: dir, lock: lock}, nil
}

func (b *ballotFile) path() string { return filepath.Join(b.dir, ballotName) }

// read returns the ballot, the zero one if there is none yet.
func (b *ballotFile) read() (failover.Ballot, error) {
	data, err := os.ReadFile(b.path())
	if errors.Is(err, fs.ErrNotExist) {
		return failover.Ballot{}, nil
	}
	if err != nil {
		return failover.Ballot{}, fmt.Errorf("reading the ballot: %w", err)
	}
	ballot, err := decodeBallot(data)
	if err != nil {
		return failover.Ballot{}, fmt.Errorf("%s: %w. This node must not vote on a guess. Restore the file, or, if that is"+
			" impossible, move it away: the node then votes again once it has heard from every other voter", b.path(), err)
	}
	return ballot, nil
}

func decodeBallot(data []byte) (failover.Ballot, error) {
	var ballot failover.Ballot
	var version int
	var sum uint32
	head, body, ok := bytes.Cut(data, []byte("\n"))
	if !ok || len(data) > ballotMax {
		return ballot, errors.New("this is not a ballot, or it is cut off")
	}
	if n, err := fmt.Sscanf(string(head)+"\n", ballotHead, &version, &sum); n != 2 || err != nil {
		return ballot, errors.New("the first line is not that of a ballot")
	}
	if version != ballotVersion {
		return ballot, fmt.Errorf("the ballot has version %d, this program knows version %d", version, ballotVersion)
	}
	if got := crc32.Checksum(body, castagnoli()); got != sum {
		return ballot, fmt.Errorf("the ballot is damaged: checksum %08x, expected %08x", got, sum)
	}
	if err := json.Unmarshal(body, &ballot); err != nil {
		return ballot, fmt.Errorf("the ballot cannot be understood: %w", err)
	}
	return ballot, nil
}

func encodeBallot(ballot failover.Ballot) ([]byte, error) {
	body, err := json.Marshal(ballot)
	if err != nil {
		return nil, err
	}
	body = append(body, '\n')
	return append(fmt.Appendf(nil, ballotHead, ballotVersion, crc32.Checksum(body, castagnoli())), body...), nil
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

// write replaces the ballot and returns when it is on disk.
func (b *ballotFile) write(ballot failover.Ballot) error {
	data, err := encodeBallot(ballot)
	if err != nil {
		return fmt.Errorf("writing the ballot: %w", err)
	}
	beside := b.path() + ".new"
	if err := writeSynced(beside, data); err != nil {
		return fmt.Errorf("writing the ballot: %w", err)
	}
	if err := os.Rename(beside, b.path()); err != nil {
		return fmt.Errorf("writing the ballot: %w", err)
	}
	if err := syncDir(b.dir); err != nil {
		return fmt.Errorf("writing the ballot: %w", err)
	}
	return nil
}

func writeSynced(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, werr := f.Write(data)
	return errors.Join(werr, f.Sync(), f.Close())
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// close gives the lock back.
func (b *ballotFile) close() error { return b.lock.Close() }
