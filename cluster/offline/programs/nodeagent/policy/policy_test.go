package policy

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const here = "node-1"

func pod(namespace, name, address string, change ...func(*corev1.Pod)) *corev1.Pod {
	made := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: map[string]string{"app": name}},
		Spec: corev1.PodSpec{NodeName: here, Containers: []corev1.Container{{
			Ports: []corev1.ContainerPort{{Name: "web", ContainerPort: 8080}, {Name: "dns", ContainerPort: 53, Protocol: corev1.ProtocolUDP}},
		}}},
		Status: corev1.PodStatus{PodIP: address, Phase: corev1.PodRunning},
	}
	for _, one := range change {
		one(made)
	}
	return made
}

func named(app string) metav1.LabelSelector {
	return metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

func ingress(app string, rules ...networkingv1.NetworkPolicyIngressRule) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: app},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: named(app), Ingress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		},
	}
}

func egress(app string, rules ...networkingv1.NetworkPolicyEgressRule) *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: app},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: named(app), Egress: rules, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress},
		},
	}
}

func port(number int) networkingv1.NetworkPolicyPort {
	value := intstr.FromInt(number)
	return networkingv1.NetworkPolicyPort{Port: &value}
}

func portNamed(name string, protocol corev1.Protocol) networkingv1.NetworkPolicyPort {
	value := intstr.FromString(name)
	return networkingv1.NetworkPolicyPort{Port: &value, Protocol: &protocol}
}

func portRange(first int, last int32) networkingv1.NetworkPolicyPort {
	made := port(first)
	made.EndPort = &last
	return made
}

func pods(app string) networkingv1.NetworkPolicyPeer {
	selector := named(app)
	return networkingv1.NetworkPolicyPeer{PodSelector: &selector}
}

var (
	shop = []*corev1.Pod{
		pod("shop", "order", "10.0.0.2"), pod("shop", "user", "10.0.0.3"), pod("shop", "user", "10.0.0.4"), pod("other", "user", "10.0.0.9"),
	}
	namespaces = []*corev1.Namespace{
		{ObjectMeta: metav1.ObjectMeta{Name: "shop", Labels: map[string]string{"team": "a"}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "other", Labels: map[string]string{"team": "b"}}},
	}
)

// chain gives the matches of one chain, without the pod's own address at its beginning; nil when there is none.
func chain(script, name string) []string {
	_, rest, found := strings.Cut(script, "  chain "+name+" {")
	if !found {
		return nil
	}
	body, _, _ := strings.Cut(rest, "\n  }")
	lines := strings.Split(body, "\n")[2:]
	for i, line := range lines {
		lines[i] = strings.TrimSpace(line)
	}
	return lines
}

func TestCompile(t *testing.T) {
	away := func(p *corev1.Pod) { p.Spec.NodeName = "node-2" }
	hostNetwork := func(p *corev1.Pod) { p.Spec.HostNetwork = true }
	finished := func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded }
	teamB := metav1.LabelSelector{MatchLabels: map[string]string{"team": "b"}}
	order := "ingress_10.0.0.2"

	for name, test := range map[string]struct {
		pods   []*corev1.Pod
		policy *networkingv1.NetworkPolicy
		chain  string
		want   []string
	}{
		"a policy with no rule lets nothing in": {shop, ingress("order"), order, []string{"drop"}},
		"a rule with nothing in it lets all in": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{}), order, []string{"return", "drop"},
		},
		"pods of the policy's namespace": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{pods("user")}}), order,
			[]string{"ip saddr { 10.0.0.3, 10.0.0.4 } return", "drop"},
		},
		"a selector that no pod matches lets nobody in": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{pods("nobody")}}), order,
			[]string{"drop"},
		},
		"all pods of a namespace": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{
				From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &teamB}},
			}), order, []string{"ip saddr { 10.0.0.9 } return", "drop"},
		},
		"namespace and pods must both match": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{
				{NamespaceSelector: &teamB, PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "order"}}},
			}}), order, []string{"drop"},
		},
		"an address block without some of it": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{From: []networkingv1.NetworkPolicyPeer{
				{IPBlock: &networkingv1.IPBlock{CIDR: "192.168.0.0/16", Except: []string{"192.168.1.0/24", "192.168.2.0/24"}}},
			}}), order, []string{"ip saddr 192.168.0.0/16 ip saddr != { 192.168.1.0/24, 192.168.2.0/24 } return", "drop"},
		},
		"ports by number, name, range and protocol": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{
				port(9000), portNamed("web", corev1.ProtocolTCP), portNamed("dns", corev1.ProtocolUDP), portNamed("dns", corev1.ProtocolTCP),
				portRange(100, 200), {},
			}}), order,
			[]string{"tcp dport 9000 return", "tcp dport 8080 return", "udp dport 53 return", "tcp dport 100-200 return", "meta l4proto tcp return", "drop"},
		},
		"every peer with every port": {
			shop, ingress("order", networkingv1.NetworkPolicyIngressRule{
				From: []networkingv1.NetworkPolicyPeer{pods("user"), {NamespaceSelector: &teamB}}, Ports: []networkingv1.NetworkPolicyPort{port(1), port(2)},
			}), order,
			[]string{
				"ip saddr { 10.0.0.3, 10.0.0.4 } tcp dport 1 return", "ip saddr { 10.0.0.3, 10.0.0.4 } tcp dport 2 return",
				"ip saddr { 10.0.0.9 } tcp dport 1 return", "ip saddr { 10.0.0.9 } tcp dport 2 return", "drop",
			},
		},
		"egress goes by destination": {
			shop, egress("order", networkingv1.NetworkPolicyEgressRule{
				To: []networkingv1.NetworkPolicyPeer{pods("user")}, Ports: []networkingv1.NetworkPolicyPort{port(8080)},
			}), "egress_10.0.0.2", []string{"ip daddr { 10.0.0.3, 10.0.0.4 } tcp dport 8080 return", "drop"},
		},
		"a named port is each destination's own": {
			[]*corev1.Pod{shop[0], shop[1], pod("shop", "user", "10.0.0.4", func(p *corev1.Pod) { p.Spec.Containers[0].Ports[0].ContainerPort = 9090 })},
			egress("order", networkingv1.NetworkPolicyEgressRule{
				To: []networkingv1.NetworkPolicyPeer{pods("user")}, Ports: []networkingv1.NetworkPolicyPort{portNamed("web", corev1.ProtocolTCP)},
			}), "egress_10.0.0.2", []string{"ip daddr 10.0.0.3 tcp dport 8080 return", "ip daddr 10.0.0.4 tcp dport 9090 return", "drop"},
		},
		"a policy for ingress leaves egress alone":   {shop, ingress("order"), "egress_10.0.0.2", nil},
		"a pod that no policy selects has no chain":  {shop, ingress("order"), "ingress_10.0.0.3", nil},
		"a pod of another namespace is not selected": {shop, ingress("user"), "ingress_10.0.0.9", nil},
		"a pod of another node is that node's":       {[]*corev1.Pod{pod("shop", "order", "10.0.0.2", away)}, ingress("order"), order, nil},
		"a pod on the host's network has no chain":   {[]*corev1.Pod{pod("shop", "order", "10.0.0.2", hostNetwork)}, ingress("order"), order, nil},
		"a finished pod's address may be another's":  {[]*corev1.Pod{pod("shop", "order", "10.0.0.2", finished)}, ingress("order"), order, nil},
	} {
		t.Run(name, func(t *testing.T) {
			script := Compile(here, test.pods, namespaces, []*networkingv1.NetworkPolicy{test.policy})
			got := chain(script, test.chain)
			if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestTwoPoliciesAddUp(t *testing.T) {
	first := ingress("order", networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{port(1)}})
	second := ingress("order", networkingv1.NetworkPolicyIngressRule{Ports: []networkingv1.NetworkPolicyPort{port(2)}})
	second.Name = "second"
	script := Compile(here, shop, namespaces, []*networkingv1.NetworkPolicy{second, first})
	want := "tcp dport 1 return, tcp dport 2 return, drop"
	if got := strings.Join(chain(script, "ingress_10.0.0.2"), ", "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOrderOfInputDoesNotMatter(t *testing.T) {
	policies := []*networkingv1.NetworkPolicy{ingress("order"), egress("user")}
	reversed := []*corev1.Pod{shop[3], shop[2], shop[1], shop[0]}
	if Compile(here, shop, namespaces, policies) != Compile(here, reversed, namespaces, []*networkingv1.NetworkPolicy{policies[1], policies[0]}) {
		t.Error("the same objects in another order give another script")
	}
}

// The kernel's own word on the syntax. Needs nft and root; checks only, loads nothing.
func TestNftTakesIt(t *testing.T) {
	nft, err := exec.LookPath("nft")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("no nft, or not root")
	}
	rule := networkingv1.NetworkPolicyIngressRule{
		From: []networkingv1.NetworkPolicyPeer{pods("user"), {IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16"}}}},
		Ports: []networkingv1.NetworkPolicyPort{
			port(1), portRange(2, 9), portNamed("dns", corev1.ProtocolUDP), {},
		},
	}
	command := exec.Command(nft, "--check", "-f", "-")
	command.Stdin = strings.NewReader(Compile(here, shop, namespaces, []*networkingv1.NetworkPolicy{ingress("order", rule), egress("user")}))
	if output, err := command.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, output)
	}
}
