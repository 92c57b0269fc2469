package shop;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.springframework.context.annotation.Profile;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.client.HttpClientErrorException;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;

/** Takes requests and asks the stock service. */
@RestController
@Profile("gateway")
public class Gateway {
  private static final String STOCK = "http://127.0.0.1:18031";
  private static final String NOWHERE = "http://127.0.0.1:18039";

  private final RestClient client = RestClient.create();

  private String get(String url) {
    return client.get().uri(url).retrieve().body(String.class);
  }

  @GetMapping("/orders/{order}")
  String order(@PathVariable int order, @RequestParam(defaultValue = "0") double seconds) {
    return get(STOCK + "/articles/" + order + "?seconds=" + seconds);
  }

  /** The stock service fails deep inside; nobody on the way catches it. */
  @GetMapping("/orders/{order}/margin")
  String margin(@PathVariable int order) {
    return get(STOCK + "/articles/" + order + "/margin");
  }

  /** The stock service's database has no such table. */
  @GetMapping("/orders/{order}/reservation")
  String reservation(@PathVariable int order) {
    return get(STOCK + "/articles/" + order + "/reservation");
  }

  /** Nothing listens at the invoice service. */
  @GetMapping("/orders/{order}/invoice")
  String invoice(@PathVariable int order) {
    return get(NOWHERE + "/invoices");
  }

  /** Waits for a second; the stock service needs two. */
  @GetMapping("/orders/{order}/forecast")
  String forecast(@PathVariable int order) {
    var factory = new JdkClientHttpRequestFactory();
    factory.setReadTimeout(Duration.ofSeconds(1));
    var impatient = RestClient.builder().requestFactory(factory).build();
    return impatient.get().uri(STOCK + "/articles/" + order + "?seconds=2").retrieve().body(String.class);
  }

  /** The rating is optional: without it the order is answered all the same. */
  @GetMapping("/orders/{order}/rating")
  String rating(@PathVariable int order) {
    try {
      get(NOWHERE + "/ratings");
    } catch (ResourceAccessException error) {
      // Answered without a rating.
    }
    return get(STOCK + "/articles/" + order);
  }

  @GetMapping("/orders/{order}/missing")
  ResponseEntity<String> missing(@PathVariable int order) {
    try {
      return ResponseEntity.ok(get(STOCK + "/articles/" + order + "/missing"));
    } catch (HttpClientErrorException error) {
      return ResponseEntity.status(error.getStatusCode()).build();
    }
  }

  /** The call is made on another thread, whose exception arrives wrapped. */
  @GetMapping("/orders/{order}/later")
  String later(@PathVariable int order) {
    return CompletableFuture.supplyAsync(() -> get(STOCK + "/articles/" + order + "/margin")).join();
  }

  /** N+1: one request for each article, one after the other. */
  @GetMapping("/catalog/http")
  String catalogOverHttp() {
    return IntStream.range(0, 15).mapToObj(article -> get(STOCK + "/articles/" + article)).toList().toString();
  }

  /** N+1: the stock service asks its database once for each article. */
  @GetMapping("/catalog/sql")
  String catalogOverSql() {
    return get(STOCK + "/catalog");
  }
}
