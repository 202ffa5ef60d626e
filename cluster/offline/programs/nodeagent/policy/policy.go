// Package policy compiles NetworkPolicies into the nft rules of one node. It is pure: objects in, text out.
//
// Each pod of the node that a policy selects gets a chain per direction. A rule that matches returns, the end of the
// chain drops. Chains are entered in the forward hook (pod to pod, pod to world, world to pod) and, for egress, in the
// input hook (pod to its own node). What the node itself sends to its pods passes neither: probes always work, as
// NetworkPolicy demands. Established connections are let through whatever the policies have become since.
// Only IPv4, like the pod network.
package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// Table is the name of the nft table (family inet) that holds every rule made here.
const Table = "pod-policy"

// world is what selectors are evaluated against.
type world struct {
	pods       []*corev1.Pod // with an IPv4 address of their own, by address
	namespaces map[string]labels.Set
	policies   []*networkingv1.NetworkPolicy // by namespace and name, so that the same input gives the same text
}

// Compile gives the nft script that enforces the policies on the pods of node.
// The script replaces whatever an earlier one left, in one transaction.
func Compile(node string, pods []*corev1.Pod, namespaces []*corev1.Namespace, policies []*networkingv1.NetworkPolicy) string {
	w := world{namespaces: map[string]labels.Set{}, policies: slices.Clone(policies)}
	for _, namespace := range namespaces {
		w.namespaces[namespace.Name] = namespace.Labels
	}
	for _, pod := range pods {
		if onPodNetwork(pod) {
			w.pods = append(w.pods, pod)
		}
	}
	slices.SortFunc(w.pods, func(a, b *corev1.Pod) int { return strings.Compare(a.Status.PodIP, b.Status.PodIP) })
	slices.SortFunc(w.policies, func(a, b *networkingv1.NetworkPolicy) int {
		return strings.Compare(a.Namespace+"/"+a.Name, b.Namespace+"/"+b.Name)
	})

	var chains, ingress, egress strings.Builder
	for _, pod := range w.pods {
		if pod.Spec.NodeName != node {
			continue
		}
		for _, direction := range []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress} {
			selecting := w.selecting(pod, direction)
			if len(selecting) == 0 {
				continue
			}
			name := strings.ToLower(string(direction)) + "_" + pod.Status.PodIP
			fmt.Fprintf(&chains, "  chain %s {  # %s/%s\n    %s %s return\n", name, pod.Namespace, pod.Name,
				peerField(direction), pod.Status.PodIP)
			for _, policy := range selecting {
				for _, match := range w.matches(pod, policy, direction) {
					fmt.Fprintf(&chains, "    %sreturn\n", match)
				}
			}
			chains.WriteString("    drop\n  }\n")
			elements := &ingress
			if direction == networkingv1.PolicyTypeEgress {
				elements = &egress
			}
			fmt.Fprintf(elements, "    %s : jump %s,\n", pod.Status.PodIP, name)
		}
	}
	return fmt.Sprintf("table inet %[1]s\ndelete table inet %[1]s\ntable inet %[1]s {\n%[2]s%[3]s%[4]s%[5]s}\n",
		Table, chains.String(), verdicts("ingress", ingress.String()), verdicts("egress", egress.String()), hooks)
}

const hooks = `  chain forward {
    type filter hook forward priority filter; policy accept;
    ct state established,related accept
    ip saddr vmap @egress
    ip daddr vmap @ingress
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    ip saddr vmap @egress
  }
`

func verdicts(name, elements string) string {
	if elements != "" {
		elements = "    elements = {\n" + elements + "    }\n"
	}
	return fmt.Sprintf("  map %s {\n    type ipv4_addr : verdict\n%s  }\n", name, elements)
}

// onPodNetwork says whether the pod has an address that is its own and still in use.
func onPodNetwork(pod *corev1.Pod) bool {
	address, err := netip.ParseAddr(pod.Status.PodIP)
	return err == nil && address.Is4() && !pod.Spec.HostNetwork &&
		pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed
}

func (w world) selecting(pod *corev1.Pod, direction networkingv1.PolicyType) []*networkingv1.NetworkPolicy {
	var found []*networkingv1.NetworkPolicy
	for _, policy := range w.policies {
		if policy.Namespace == pod.Namespace && slices.Contains(policy.Spec.PolicyTypes, direction) &&
			selects(&policy.Spec.PodSelector, pod.Labels) {
			found = append(found, policy)
		}
	}
	return found
}

// matches gives one nft match ("" matches all) for each way in which policy lets traffic of pod through.
func (w world) matches(pod *corev1.Pod, policy *networkingv1.NetworkPolicy, direction networkingv1.PolicyType) []string {
	var found []string
	if direction == networkingv1.PolicyTypeIngress {
		for _, rule := range policy.Spec.Ingress {
			for _, peer := range w.peers(policy.Namespace, rule.From, direction) {
				found = append(found, portMatches(peer.match, rule.Ports, []*corev1.Pod{pod}, "")...)
			}
		}
		return found
	}
	for _, rule := range policy.Spec.Egress {
		for _, peer := range w.peers(policy.Namespace, rule.To, direction) {
			found = append(found, portMatches(peer.match, rule.Ports, peer.pods, peerField(direction))...)
		}
	}
	return found
}

// peer is one side that a rule names: as an nft match, and as the pods in it, for named ports.
type peer struct {
	match string
	pods  []*corev1.Pod
}

func (w world) peers(namespace string, named []networkingv1.NetworkPolicyPeer, direction networkingv1.PolicyType) []peer {
	if len(named) == 0 {
		return []peer{{"", w.pods}}
	}
	field := peerField(direction)
	var found []peer
	for _, one := range named {
		if block := one.IPBlock; block != nil {
			if strings.Contains(block.CIDR, ":") {
				continue
			}
			match := fmt.Sprintf("%s %s ", field, block.CIDR)
			if except := slices.DeleteFunc(slices.Clone(block.Except), func(s string) bool { return strings.Contains(s, ":") }); len(except) > 0 {
				match += fmt.Sprintf("%s != { %s } ", field, strings.Join(except, ", "))
			}
			found = append(found, peer{match, nil})
			continue
		}
		pods := w.selected(namespace, one)
		if len(pods) == 0 {
			continue
		}
		addresses := make([]string, 0, len(pods))
		for _, pod := range pods {
			addresses = append(addresses, pod.Status.PodIP)
		}
		found = append(found, peer{fmt.Sprintf("%s { %s } ", field, strings.Join(slices.Compact(addresses), ", ")), pods})
	}
	return found
}

func (w world) selected(namespace string, peer networkingv1.NetworkPolicyPeer) []*corev1.Pod {
	var found []*corev1.Pod
	for _, pod := range w.pods {
		if peer.NamespaceSelector == nil && pod.Namespace != namespace ||
			peer.NamespaceSelector != nil && !selects(peer.NamespaceSelector, w.namespaces[pod.Namespace]) ||
			peer.PodSelector != nil && !selects(peer.PodSelector, pod.Labels) {
			continue
		}
		found = append(found, pod)
	}
	return found
}

// portMatches appends each port to the peer's match. A named port is looked up in targets; addressField, when not
// empty, ties a number found that way to the pod that has it.
func portMatches(match string, ports []networkingv1.NetworkPolicyPort, targets []*corev1.Pod, addressField string) []string {
	if len(ports) == 0 {
		return []string{match}
	}
	var found []string
	for _, port := range ports {
		protocol := corev1.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		word := strings.ToLower(string(protocol))
		switch {
		case port.Port == nil:
			found = append(found, fmt.Sprintf("%smeta l4proto %s ", match, word))
		case port.Port.Type == intstr.String:
			for _, pod := range targets {
				number := containerPort(pod, port.Port.StrVal, protocol)
				if number == 0 {
					continue
				}
				prefix := match
				if addressField != "" {
					prefix = fmt.Sprintf("%s %s ", addressField, pod.Status.PodIP)
				}
				found = append(found, fmt.Sprintf("%s%s dport %d ", prefix, word, number))
			}
		case port.EndPort != nil && *port.EndPort > port.Port.IntVal:
			found = append(found, fmt.Sprintf("%s%s dport %d-%d ", match, word, port.Port.IntVal, *port.EndPort))
		default:
			found = append(found, fmt.Sprintf("%s%s dport %d ", match, word, port.Port.IntVal))
		}
	}
	return found
}

func containerPort(pod *corev1.Pod, name string, protocol corev1.Protocol) int32 {
	for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, port := range container.Ports {
			declared := port.Protocol
			if declared == "" {
				declared = corev1.ProtocolTCP
			}
			if port.Name == name && declared == protocol {
				return port.ContainerPort
			}
		}
	}
	return 0
}

// peerField is where the other side's address stands in a packet of this direction.
func peerField(direction networkingv1.PolicyType) string {
	if direction == networkingv1.PolicyTypeIngress {
		return "ip saddr"
	}
	return "ip daddr"
}

// selects is false for a selector that cannot be read; the API server lets none through.
func selects(selector *metav1.LabelSelector, set labels.Set) bool {
	compiled, err := metav1.LabelSelectorAsSelector(selector)
	return err == nil && compiled.Matches(set)
}
