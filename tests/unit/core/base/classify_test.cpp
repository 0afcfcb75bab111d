#include "core/base/classify.hpp"

#include <gtest/gtest.h>

namespace hoist::core {
namespace {

using enum outcome_kind;

struct presign_case {
  int status;
  std::optional<outcome_kind> expected;
};

// The API's answers: a 2xx is for its body to judge (201 is what frameworks give to a POST), 401 ends the run, 429 and
// its kin slow down, 502 to 504 say that the host is away, what HTTP calls worth another try gets one, the rest is
// final.
TEST(classify, presign_answers) {
  const presign_case cases[] = {
      {200, {}},        {201, {}},        {202, {}},        {204, {}},        {299, {}},        {300, rejected},
      {301, rejected},  {302, rejected},  {304, rejected},  {307, rejected},  {400, rejected},  {401, key_refused},
      {403, rejected},  {404, rejected},  {405, rejected},  {408, transient}, {409, rejected},  {413, rejected},
      {421, transient}, {422, rejected},  {423, rejected},  {425, transient}, {426, rejected},  {429, throttled},
      {451, rejected},  {499, transient}, {500, transient}, {501, rejected},  {502, gateway},   {503, unavailable},
      {504, gateway},   {505, rejected},  {507, throttled}, {509, throttled}, {511, transient}, {520, transient},
      {521, gateway},   {522, gateway},   {523, gateway},   {524, transient}, {525, transient}, {526, transient},
      {527, transient}, {529, throttled}, {530, gateway},   {599, transient},
  };
  for (const auto& c : cases) EXPECT_EQ(classify_presign(c.status), c.expected) << c.status;
}

struct put_case {
  int status;
  const char* code;
  std::optional<outcome_kind> expected;
};

// The storage's answers by S3 code, as the reliability page's table has them.
TEST(classify, put_answers_by_storage_code) {
  const put_case cases[] = {
      {403, "AccessDenied", refused},
      {400, "AccessDenied", refused},
      {403, "ExpiredRequest", refused},
      {400, "ExpiredRequest", refused},
      {400, "ExpiredToken", refused},
      {400, "InvalidToken", refused},
      {403, "RequestTimeTooSkewed", refused},
      {403, "SignatureDoesNotMatch", refused},
      {403, "InvalidAccessKeyId", refused},
      {403, "AllAccessDisabled", refused},
      {400, "AuthorizationQueryParametersError", rejected},
      {400, "RequestTimeout", transient},
      {400, "IncompleteBody", transient},
      {400, "BadDigest", digest_mismatch},
      {400, "XAmzContentSHA256Mismatch", digest_mismatch},
      {400, "XAmzContentChecksumMismatch", digest_mismatch},
      {400, "InvalidDigest", rejected},
      {400, "EntityTooLarge", rejected},
      {413, "EntityTooLarge", rejected},
      {400, "KeyTooLongError", rejected},
      {400, "MetadataTooLarge", rejected},
      {400, "InvalidArgument", rejected},
      {400, "InvalidRequest", rejected},
      {400, "InvalidURI", rejected},
      {404, "NoSuchBucket", rejected},
      {405, "MethodNotAllowed", rejected},
      {501, "NotImplemented", rejected},
      {411, "MissingContentLength", rejected},
      {412, "PreconditionFailed", rejected},
      {409, "ConditionalRequestConflict", transient},
      {409, "OperationAborted", transient},
      {301, "PermanentRedirect", refused},
      {307, "TemporaryRedirect", refused},
      {500, "InternalError", transient},
      {503, "InternalError", transient},
      {503, "ServiceUnavailable", unavailable},
      {500, "ServiceUnavailable", transient},
      {503, "NobodyKnows", unavailable},
      {502, "NobodyKnows", gateway},
      {504, "RequestTimeout", transient},
      {503, "ServerBusy", throttled},
      {503, "SlowDownRead", throttled},
      {400, "Throttling", throttled},
      {400, "RequestLimitExceeded", throttled},
      {400, "TokenRefreshRequired", refused},
      {423, "OperationAborted", transient},
      {503, "SlowDown", throttled},
      {503, "SlowDownWrite", throttled},
      {429, "TooManyRequests", throttled},
      {429, "NobodyKnows", throttled},
  };
  for (const auto& c : cases) EXPECT_EQ(classify_put(c.status, c.code), c.expected) << c.status << ' ' << c.code;
}

// MinIO's way to say SlowDown: a 503 RequestTimeout ("reduce your request rate"), and 507 when the storage is full.
TEST(classify, regression_minio_throttles) {
  EXPECT_EQ(classify_put(503, "RequestTimeout"), throttled);
  EXPECT_EQ(classify_put(507, ""), throttled);
}

// Without a code the status alone decides; redirects are never followed.
TEST(classify, put_answers_by_status_alone) {
  const put_case cases[] = {
      {200, "", {}},        {400, "", rejected},    {401, "", refused},   {403, "", refused},   {404, "", rejected},
      {405, "", rejected},  {408, "", transient},   {409, "", rejected},  {411, "", rejected},  {412, "", rejected},
      {413, "", rejected},  {429, "", throttled},   {499, "", transient}, {500, "", transient}, {501, "", rejected},
      {502, "", gateway},   {503, "", unavailable}, {504, "", gateway},   {522, "", gateway},   {524, "", transient},
      {421, "", transient}, {423, "", rejected},    {425, "", transient}, {505, "", rejected},  {507, "", throttled},
      {509, "", throttled}, {529, "", throttled},   {530, "", gateway},   {301, "", refused},   {302, "", refused},
      {307, "", refused},   {308, "", refused},
  };
  for (const auto& c : cases) EXPECT_EQ(classify_put(c.status, c.code), c.expected) << c.status;
}

// Any complete 2xx on a PUT is a stored file: 201 and 204 are what WebDAV and some of S3's imitators answer.
TEST(classify, any_success_of_a_put_is_stored) {
  for (int status = 200; status < 300; ++status) EXPECT_EQ(classify_put(status, ""), std::nullopt) << status;
}

// Codes are compared whole and as they are spelt: a longer or shorter one is unknown.
TEST(classify, codes_match_exactly) {
  for (const char* code : {"slowdown", "SlowDownX", "SlowDow", " SlowDown", "RequestTimeoutX"})
    EXPECT_EQ(classify_put(400, code), rejected) << code;
}

// Every kind has a name of its own.
TEST(classify, names) {
  for (int i = 0; i <= static_cast<int>(cancelled); ++i) {
    EXPECT_NE(name_of(static_cast<outcome_kind>(i)), "unknown") << i;
    for (int j = 0; j < i; ++j) EXPECT_NE(name_of(static_cast<outcome_kind>(i)), name_of(static_cast<outcome_kind>(j)));
  }
}

} // namespace
} // namespace hoist::core
