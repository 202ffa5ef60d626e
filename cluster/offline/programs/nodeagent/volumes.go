package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	storagelisters "k8s.io/client-go/listers/storage/v1"
)

const (
	provisioner = "cluster.consumerapp.io/folder"
	folders     = "/var/local-path-provisioner" // where an ordinary kind cluster keeps them

	annotationProvisioner   = "volume.kubernetes.io/storage-provisioner"
	annotationNode          = "volume.kubernetes.io/selected-node"
	annotationProvisionedBy = "pv.kubernetes.io/provisioned-by"
)

// volumes gives each claim that the scheduler placed on this node a folder of it, and clears up after released ones.
// Folders are open to all users, as local-path-provisioner makes them: a hostPath volume knows no fsGroup.
type volumes struct {
	node    string
	client  kubernetes.Interface
	classes storagelisters.StorageClassLister
	claims  corelisters.PersistentVolumeClaimLister
	volumes corelisters.PersistentVolumeLister
}

func (v *volumes) apply(ctx context.Context) error {
	claims, err := v.claims.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, claim := range claims {
		mine := claim.Annotations[annotationProvisioner] == provisioner && claim.Annotations[annotationNode] == v.node
		if mine && claim.Spec.VolumeName == "" && claim.DeletionTimestamp == nil {
			if err := v.create(ctx, claim); err != nil {
				return fmt.Errorf("claim %s/%s: %w", claim.Namespace, claim.Name, err)
			}
		}
	}
	existing, err := v.volumes.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, volume := range existing {
		mine := volume.Annotations[annotationProvisionedBy] == provisioner && volume.Annotations[annotationNode] == v.node
		unused := volume.Status.Phase == corev1.VolumeReleased && volume.Spec.PersistentVolumeReclaimPolicy == corev1.PersistentVolumeReclaimDelete
		if mine && unused && volume.DeletionTimestamp == nil {
			if err := v.remove(ctx, volume); err != nil {
				return fmt.Errorf("volume %s: %w", volume.Name, err)
			}
		}
	}
	return nil
}

func (v *volumes) create(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	class, err := v.classes.Get(*claim.Spec.StorageClassName)
	if err != nil {
		return err
	}
	name := "pvc-" + string(claim.UID)
	if _, err := v.volumes.Get(name); err == nil {
		return nil // made in an earlier round, and not yet bound
	}
	folder := filepath.Join(folders, fmt.Sprintf("%s_%s_%s", name, claim.Namespace, claim.Name))
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(folder, 0o777); err != nil { // MkdirAll minds the umask
		return err
	}
	kind := corev1.HostPathDirectoryOrCreate
	_, err = v.client.CoreV1().PersistentVolumes().Create(ctx, &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{
			Name:        name,
			Annotations: map[string]string{annotationProvisionedBy: provisioner, annotationNode: v.node},
		},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      claim.Spec.Resources.Requests,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			StorageClassName:              class.Name,
			PersistentVolumeReclaimPolicy: *class.ReclaimPolicy,
			PersistentVolumeSource:        corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: folder, Type: &kind}},
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{
					Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{v.node},
				}},
			}}}},
		},
	}, metav1.CreateOptions{})
	if errors.IsAlreadyExists(err) {
		return nil
	}
	slog.Info("volume made", "claim", claim.Namespace+"/"+claim.Name, "folder", folder, "error", err)
	return err
}

func (v *volumes) remove(ctx context.Context, volume *corev1.PersistentVolume) error {
	source := volume.Spec.HostPath
	if source == nil || !strings.HasPrefix(filepath.Clean(source.Path), folders+"/") {
		return fmt.Errorf("its folder is not under %s: not removing it", folders)
	}
	if err := os.RemoveAll(source.Path); err != nil {
		return err
	}
	err := v.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &volume.UID},
	})
	if errors.IsNotFound(err) {
		return nil
	}
	slog.Info("volume removed", "volume", volume.Name, "folder", source.Path, "error", err)
	return err
}
