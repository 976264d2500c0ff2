#!/bin/sh
# Deletes old versions of a stack's functions. What stays: versions that an alias names, during a deployment in steps the one that
# it comes from as well, and the newest ones. Code of all versions counts against Lambda's 75 GB for an account and region.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
#
#   infra/functions/prune-versions.sh ShowAndTell-prod
#   infra/functions/prune-versions.sh ShowAndTell-prod 5
#
# usage: prune-versions.sh STACK [KEEP]
# KEEP: how many of the newest versions of each function stay, 3 unless said otherwise.
set -eu

stack=${1:?usage: prune-versions.sh STACK [KEEP]}
keep=${2:-3}
case $keep in
*[!0-9]* | 0*)
  # The newest is the stack's own, also where somebody has gone back from it.
  echo "prune-versions.sh: KEEP: expected a whole number from 1, found $keep" >&2
  exit 2
  ;;
esac

functions=$(aws cloudformation list-stack-resources --stack-name "$stack" --output text \
  --query "StackResourceSummaries[?ResourceType=='AWS::Lambda::Function'].PhysicalResourceId")

for function in $functions; do
  named=$(aws lambda list-aliases --function-name "$function" --output text \
    --query 'Aliases[].[FunctionVersion, keys(RoutingConfig.AdditionalVersionWeights || `{}`)][][]')
  versions=$(aws lambda list-versions-by-function --function-name "$function" --output text \
    --query 'Versions[].Version')
  # shellcheck disable=SC2086 # One word for each version.
  for version in $(printf '%s\n' $versions | grep -v LATEST | sort -rn | tail -n "+$((keep + 1))"); do
    # shellcheck disable=SC2086
    if printf '%s\n' $named | grep -qx "$version"; then continue; fi
    aws lambda delete-function --function-name "$function" --qualifier "$version" >/dev/null
    echo "$function: version $version deleted"
  done
done
