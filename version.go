package tandem

import (
	"fmt"
	"os"

	"github.com/tandemkv/tandem/server"
)

// Version is this program's own; it presents itself to clients as the Redis of server.RedisVersion.
const Version = server.Version

// MakeDir makes the data folder if need be.
func (o *Options) MakeDir() error {
	if err := os.MkdirAll(o.Server.Dir, 0o755); err != nil {
		return fmt.Errorf("dir %s: %w", o.Server.Dir, err)
	}
	return nil
}
