package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/vishvananda/netlink"
	corev1 "k8s.io/api/core/v1"
)

const conflist = "/etc/cni/net.d/10-node.conflist"

// Pods hang on point-to-point links of the node; other nodes' pods are one route away.
const conflistText = `{"cniVersion": "1.0.0", "name": "node", "plugins": [
  {"type": "ptp", "mtu": 1500, "ipMasq": false, "ipam": {
    "type": "host-local", "dataDir": "/run/cni-ipam-state",
    "routes": [{"dst": "0.0.0.0/0"}], "ranges": [[{"subnet": %q}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
`

const masquerade = `table ip pod-masquerade
delete table ip pod-masquerade
table ip pod-masquerade {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr %s ip daddr != %s masquerade
  }
}
`

// network is the pod network of one node: the CNI configuration, routes to the other nodes, masquerading.
type network struct {
	node, podSubnet string
	rules           ruleset
}

func (n *network) apply(nodes []*corev1.Node) error {
	for _, node := range nodes {
		address, subnet := internalAddress(node), node.Spec.PodCIDR
		if subnet == "" || address == "" {
			continue // the controller manager has yet to give it one; that is an event, too
		}
		if node.Name != n.node {
			if err := replaceRoute(subnet, address); err != nil {
				return err
			}
			continue
		}
		if err := n.rules.apply(fmt.Sprintf(masquerade, subnet, n.podSubnet)); err != nil {
			return err
		}
		if err := writeIfChanged(conflist, fmt.Sprintf(conflistText, subnet)); err != nil {
			return err
		}
	}
	return nil
}

func internalAddress(node *corev1.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

func replaceRoute(subnet, gateway string) error {
	_, destination, err := net.ParseCIDR(subnet)
	if err != nil {
		return err
	}
	return netlink.RouteReplace(&netlink.Route{Dst: destination, Gw: net.ParseIP(gateway)})
}

// writeIfChanged renames a finished file into place: containerd watches the folder and reads at once.
func writeIfChanged(path, text string) error {
	if old, err := os.ReadFile(path); err == nil && string(old) == text {
		return nil
	}
	fresh := filepath.Join(filepath.Dir(path), ".new")
	if err := os.WriteFile(fresh, []byte(text), 0o644); err != nil {
		return err
	}
	slog.Info("pod network configured", "file", path)
	return os.Rename(fresh, path)
}

// ruleset is one nft script; the kernel takes a script as a whole or not at all.
type ruleset struct{ loaded string }

func (r *ruleset) apply(script string) error {
	if script == r.loaded {
		return nil
	}
	var output bytes.Buffer
	command := exec.Command("nft", "-f", "-")
	command.Stdin, command.Stdout, command.Stderr = strings.NewReader(script), &output, &output
	if err := command.Run(); err != nil {
		return fmt.Errorf("nft: %w: %s", err, output.String())
	}
	r.loaded = script
	return nil
}
