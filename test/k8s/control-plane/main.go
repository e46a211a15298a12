// A whole Kubernetes control plane, and kubectl, as one program: `control-plane kube-apiserver --flags…`.
// One binary links in a third of the time and the space that five would take. For tests only; built by
// ../support/build.ts against the go.mod of k8s.io/kubernetes itself.
package main

import (
	"fmt"
	"os"
	"time"
	_ "time/tzdata" // a CronJob's timeZone must resolve on a machine without zoneinfo

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	kubectl "k8s.io/kubectl/pkg/cmd"
	kubectlutil "k8s.io/kubectl/pkg/cmd/util"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	"k8s.io/kubernetes/pkg/controller/job"
)

func run(command *cobra.Command) {
	os.Exit(cli.Run(command))
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: control-plane etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kubectl …")
		os.Exit(2)
	}
	// The components parse os.Args themselves: take our own word away.
	os.Args = os.Args[1:]
	switch os.Args[0] {
	case "etcd":
		etcdmain.Main(os.Args)
	case "kube-apiserver":
		run(apiserver.NewAPIServerCommand())
	case "kube-controller-manager":
		// The Job controller waits 10 s before it replaces a failed pod and has no flag for it.
		if backoff, err := time.ParseDuration(os.Getenv("JOB_POD_FAILURE_BACKOFF")); err == nil {
			job.DefaultJobPodFailureBackOff = backoff
		}
		run(controllers.NewControllerManagerCommand())
	case "kube-scheduler":
		run(scheduler.NewSchedulerCommand())
	case "kubectl":
		if err := cli.RunNoErrOutput(kubectl.NewDefaultKubectlCommand()); err != nil {
			kubectlutil.CheckErr(err)
		}
	default:
		fmt.Fprintln(os.Stderr, "control-plane: no component is called "+os.Args[0])
		os.Exit(2)
	}
}
