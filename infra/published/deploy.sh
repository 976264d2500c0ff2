#!/bin/sh
# Deploys show-and-tell with the AWS CLI alone. `sh deploy.sh --help` says how.
set -eu

usage() {
  cat <<'USAGE'
Deploys show-and-tell from the files beside this script. Needs the AWS CLI and credentials, nothing else.

  sh deploy.sh [--env dev|prod] [--region REGION] [--bucket NAME] [--alarm-email ADDRESS]

  --env          which template, and the stack is called so: ShowAndTell-dev or ShowAndTell-prod. prod keeps
                 buckets when the stack goes, and one environment warm. Default: dev
  --region       default: AWS_REGION, AWS_DEFAULT_REGION or that of the profile
  --bucket       where the code is uploaded to, in that region and account; made if it is not there.
                 Default: show-and-tell-code-ACCOUNT-REGION
  --alarm-email  gets mail about alarms, once the recipient has confirmed; kept by later deployments.
                 Give '' to end it

Examples:

  sh deploy.sh
  AWS_PROFILE=work sh deploy.sh --env prod --region eu-west-1 --alarm-email ops@example.org

A later version is deployed the same way from its own files. To go back, deploy the earlier files.
To delete, empty the buckets of the stack, then: aws cloudformation delete-stack --stack-name ShowAndTell-dev
(prod is protected: aws cloudformation update-termination-protection --no-enable-termination-protection first).
USAGE
}

fail() {
  printf 'deploy.sh: %s\n' "$1" >&2
  exit "${2:-1}"
}

environment=dev region='' bucket='' email='' has_email=''
while [ $# -gt 0 ]; do
  option=$1
  case $option in
    -h | --help) usage; exit 0 ;;
    --env | --region | --bucket | --alarm-email)
      [ $# -gt 1 ] || fail "$option needs a value; see --help" 2
      ;;
    *) fail "$option is not an option; see --help" 2 ;;
  esac
  case $option in
    --env) environment=$2 ;;
    --region) region=$2 ;;
    --bucket) bucket=$2 ;;
    --alarm-email) email=$2 has_email=yes ;;
  esac
  shift 2
done

cd -- "$(dirname -- "$0")"
template=show-and-tell-$environment.template.json
[ -f "$template" ] || fail "there is no $template here; --env names one of: $(ls | sed -n 's/^show-and-tell-\(.*\)\.template\.json$/\1/p' | tr '\n' ' ')" 2
# Names in the template have it in them.
stack=ShowAndTell-$environment

command -v aws > /dev/null || fail 'the AWS CLI is not installed: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html'
check() {
  if command -v sha256sum > /dev/null; then sha256sum -c "$1"; else shasum -a 256 -c "$1"; fi
}
wrong=$(check SHA256SUMS 2>&1) || fail "files are damaged or incomplete, download them again:
$(printf '%s\n' "$wrong" | grep -v ': OK$')"
zip=$(sed -n 's/^[0-9a-f]*  \(functions-.*\.zip\)$/\1/p' SHA256SUMS)
sum=$(sed -n 's/^\([0-9a-f]*\)  functions-.*\.zip$/\1/p' SHA256SUMS)

[ -n "$region" ] || region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region || true)}}
[ -n "$region" ] || fail 'no region: give --region, e.g. --region eu-west-1, or set AWS_REGION'
export AWS_REGION="$region" AWS_DEFAULT_REGION="$region" AWS_PAGER=
account=$(aws sts get-caller-identity --query Account --output text) ||
  fail 'AWS knows nobody by these credentials: run aws configure or aws sso login, or set AWS_PROFILE'

# Only the own account's: anybody may have made a bucket of a name that can be guessed.
[ -n "$bucket" ] || bucket=show-and-tell-code-$account-$region
if ! found=$(aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" 2>&1); then
  case $found in
    *404* | *'Not Found'*) ;;
    *) fail "the bucket $bucket cannot be used, it may be another account's or in another region; give --bucket: $found" ;;
  esac
  printf 'making the bucket %s\n' "$bucket" >&2
  if [ "$region" = us-east-1 ]; then
    aws s3api create-bucket --bucket "$bucket" > /dev/null
  else
    aws s3api create-bucket --bucket "$bucket" --create-bucket-configuration "LocationConstraint=$region" > /dev/null
  fi || fail "the bucket $bucket could not be made"
  aws s3api put-public-access-block --bucket "$bucket" --expected-bucket-owner "$account" \
    --public-access-block-configuration BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true ||
    fail "the bucket $bucket could not be closed to the public"
fi

key=show-and-tell/$sum.zip
if aws s3api head-object --bucket "$bucket" --key "$key" --expected-bucket-owner "$account" > /dev/null 2>&1; then
  printf 'the code is there already: s3://%s/%s\n' "$bucket" "$key" >&2
else
  printf 'uploading %s to s3://%s/%s\n' "$zip" "$bucket" "$key" >&2
  aws s3api put-object --bucket "$bucket" --key "$key" --body "$zip" --expected-bucket-owner "$account" > /dev/null ||
    fail 'the code could not be uploaded'
fi

set -- "CodeBucket=$bucket" "CodeKey=$key"
[ -z "$has_email" ] || set -- "$@" "AlarmEmail=$email"
aws cloudformation deploy --stack-name "$stack" --template-file "$template" --s3-bucket "$bucket" \
  --s3-prefix show-and-tell/templates --capabilities CAPABILITY_IAM --no-fail-on-empty-changeset \
  --parameter-overrides "$@" >&2 || {
  aws cloudformation describe-stack-events --stack-name "$stack" --output text --query \
    "StackEvents[?contains(ResourceStatus, 'FAILED')].[LogicalResourceId, ResourceStatusReason]" >&2 || true
  fail "the stack $stack was not deployed. Where nothing of it was there before, delete it before the next try: aws cloudformation delete-stack --stack-name $stack"
}
if grep -q '"TerminationProtection": true' "$template"; then
  aws cloudformation update-termination-protection --stack-name "$stack" --enable-termination-protection > /dev/null ||
    fail "the stack $stack is deployed, but could not be protected against deletion"
fi
aws cloudformation describe-stacks --stack-name "$stack" --output text \
  --query 'Stacks[0].Outputs[].[OutputKey, OutputValue]'
