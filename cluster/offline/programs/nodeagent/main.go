// Command nodeagent does on each node of an offline cluster what kindnetd and local-path-provisioner do on an
// ordinary kind cluster: pod network, NetworkPolicies, and volumes of the class "standard".
//
// It is level-triggered: any change in the cluster wakes one loop, which brings the node in line with what the
// caches hold. A failed round is repeated after a second.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"consumerapp.io/cluster/programs/nodeagent/policy"
)

const (
	settle = 50 * time.Millisecond // changes come in bursts: a rollout is one round, not twenty
	retry  = time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := run(ctx, os.Getenv("NODE_NAME"), os.Getenv("POD_SUBNET"), os.Getenv("CONTROL_PLANE_ENDPOINT")); err != nil {
		slog.Error("stopped", "error", err)
		os.Exit(1)
	}
}

// run serves the named node until ctx ends. endpoint is the API server's host:port, which spares the wait for
// kube-proxy; empty means the service address.
func run(ctx context.Context, node, podSubnet, endpoint string) error {
	config, err := rest.InClusterConfig()
	if err != nil {
		return err
	}
	if endpoint != "" {
		config.Host = "https://" + endpoint
	}
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}

	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(withoutManagedFields))
	core, networking := factory.Core().V1(), factory.Networking().V1()
	wake := make(chan struct{}, 1)
	for _, informer := range []cache.SharedIndexInformer{
		core.Nodes().Informer(), core.Pods().Informer(), core.Namespaces().Informer(), networking.NetworkPolicies().Informer(),
		core.PersistentVolumes().Informer(), core.PersistentVolumeClaims().Informer(), factory.Storage().V1().StorageClasses().Informer(),
	} {
		if _, err := informer.AddEventHandler(waker(wake)); err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	network := network{node: node, podSubnet: podSubnet}
	volumes := volumes{
		node: node, client: client, classes: factory.Storage().V1().StorageClasses().Lister(),
		claims: core.PersistentVolumeClaims().Lister(), volumes: core.PersistentVolumes().Lister(),
	}
	var rules ruleset
	round := func() error {
		nodes, err := core.Nodes().Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		if err := network.apply(nodes); err != nil {
			return err
		}
		pods, err := core.Pods().Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		namespaces, err := core.Namespaces().Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		policies, err := networking.NetworkPolicies().Lister().List(labels.Everything())
		if err != nil {
			return err
		}
		if err := rules.apply(policy.Compile(node, pods, namespaces, policies)); err != nil {
			return err
		}
		return volumes.apply(ctx)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
		}
		time.Sleep(settle)
		if err := round(); err != nil && ctx.Err() == nil {
			slog.Warn("round failed, once more in a second", "error", err)
			time.AfterFunc(retry, func() { signalOnce(wake) })
		}
	}
}

// waker turns any event into one pending wake-up: what changed does not matter, only that something did.
func waker(wake chan struct{}) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { signalOnce(wake) },
		UpdateFunc: func(any, any) { signalOnce(wake) },
		DeleteFunc: func(any) { signalOnce(wake) },
	}
}

func signalOnce(wake chan struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

func withoutManagedFields(object any) (any, error) {
	if accessor, err := meta.Accessor(object); err == nil {
		accessor.SetManagedFields(nil)
	}
	return object, nil
}
