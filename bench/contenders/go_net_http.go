// The job with Go's net/http: one goroutine per upload in flight, one shared Transport.
//
//	go_net_http ENDPOINT LISTFILE CONCURRENCY
//
// HOIST_API_KEY and SSL_CERT_FILE (which crypto/x509 reads by itself) as for every contender. The runner sets GOMAXPROCS=1
// where one thread is compared with one thread.
package main

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

const presignBody = `{"content_type":"application/octet-stream","file_type":"other"}`

type ticket struct {
	PresignedURL    string            `json:"presigned_url"`
	RequiredHeaders map[string]string `json:"required_headers"`
}

type uploader struct {
	client   *http.Client
	endpoint string
	key      string
}

func newUploader(endpoint, key string, concurrency int) *uploader {
	transport := &http.Transport{
		MaxIdleConns:        2 * concurrency,
		MaxIdleConnsPerHost: 2 * concurrency,
		DisableCompression:  true,
		// Full records from the first byte: Go's default begins with records of a packet's size.
		TLSClientConfig: &tls.Config{DynamicRecordSizingDisabled: true},
		WriteBufferSize: 64 << 10,
	}
	return &uploader{&http.Client{Transport: transport}, endpoint, key}
}

func (u *uploader) presign() (ticket, error) {
	var t ticket
	request, err := http.NewRequest(http.MethodPost, u.endpoint+"/v1/upload/presign", strings.NewReader(presignBody))
	if err != nil {
		return t, err
	}
	request.Header.Set("X-API-Key", u.key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := u.client.Do(request)
	if err != nil {
		return t, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return t, err
	}
	if answer.StatusCode != http.StatusOK {
		return t, fmt.Errorf("presign: %s", answer.Status)
	}
	return t, json.Unmarshal(body, &t)
}

func (u *uploader) put(t ticket, path string) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	about, err := file.Stat()
	if err != nil {
		return 0, err
	}
	request, err := http.NewRequest(http.MethodPut, t.PresignedURL, file)
	if err != nil {
		return 0, err
	}
	request.ContentLength = about.Size()
	request.Header.Set("Content-Type", "application/octet-stream")
	for name, value := range t.RequiredHeaders {
		request.Header.Set(name, value)
	}
	answer, err := u.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return 0, err
	}
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("put: %s", answer.Status)
	}
	return about.Size(), nil
}

func (u *uploader) upload(path string) (int64, error) {
	t, err := u.presign()
	if err != nil {
		return 0, err
	}
	return u.put(t, path)
}

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: go_net_http ENDPOINT LISTFILE CONCURRENCY")
		os.Exit(2)
	}
	concurrency, err := strconv.Atoi(os.Args[3])
	list, listErr := os.Open(os.Args[2])
	if err != nil || listErr != nil {
		fmt.Fprintln(os.Stderr, "go_net_http:", err, listErr)
		os.Exit(2)
	}
	u := newUploader(os.Args[1], os.Getenv("HOIST_API_KEY"), concurrency)
	paths := make(chan string, concurrency)
	var done, failed, bytes int64
	var workers sync.WaitGroup
	for i := 0; i < concurrency; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for path := range paths {
				size, err := u.upload(path)
				if err != nil {
					fmt.Fprintln(os.Stderr, "go_net_http:", path, err)
					atomic.AddInt64(&failed, 1)
					continue
				}
				atomic.AddInt64(&done, 1)
				atomic.AddInt64(&bytes, size)
			}
		}()
	}
	lines := bufio.NewScanner(list)
	for lines.Scan() {
		paths <- lines.Text()
	}
	close(paths)
	workers.Wait()
	fmt.Printf("{\"done\":%d,\"failed\":%d,\"bytes\":%d}\n", done, failed, bytes)
	if failed > 0 {
		os.Exit(1)
	}
}
